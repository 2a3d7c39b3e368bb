// For tests that no fiber blocks its thread; platform/fiber/blocking_calls.h says what is found.
//
//   EXPECT_NO_BLOCKING_CALLS(runtime.Run([&] { EXPECT_TRUE(catalog.Search("lamp").ok()); }));
//
// Every test that links //platform/fiber/testing reports such calls on stderr, once for each stack.
// The environment variable WEFT_BLOCKING_CALLS makes more or less of them, as in
//
//   ./weft test //services/... --test_env=WEFT_BLOCKING_CALLS=strict
//
// "strict" fails the test that runs, "off" says nothing, "report" is what happens by default. A
// lock that a fiber waited for is reported, but fails no test: it depends on what other threads
// happen to do. Under a sanitizer and with --config=opt nothing is found, and nothing fails.
#ifndef WEFT_PLATFORM_FIBER_TESTING_BLOCKING_CALLS_H_
#define WEFT_PLATFORM_FIBER_TESTING_BLOCKING_CALLS_H_

#include <functional>

namespace weft {

// Runs the statement where it stands, and fails the test for each call that a fiber of any runtime
// of the process made meanwhile, with its stack. One at a time.
#define EXPECT_NO_BLOCKING_CALLS(...) \
  ::weft::internal::ExpectNoBlockingCalls([&] { __VA_ARGS__; }, __FILE__, __LINE__)

namespace internal {

void ExpectNoBlockingCalls(const std::function<void()>& function, const char* file, int line);

}  // namespace internal
}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_BLOCKING_CALLS_H_
