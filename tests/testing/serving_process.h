// ServingProcess: what the small servers of tests and benchmarks have in common. They serve until a
// signal ends them, and tell whoever started them their port.
#ifndef WEFT_TESTS_TESTING_SERVING_PROCESS_H_
#define WEFT_TESTS_TESTING_SERVING_PROCESS_H_

#include <signal.h>

#include <cstdio>

namespace weft::testing {

// One per process, made on the main thread before any other thread.
class ServingProcess {
 public:
  // Blocks SIGTERM and SIGINT in this thread and in those that it will start.
  ServingProcess() {
    sigemptyset(&termination_signals_);
    sigaddset(&termination_signals_, SIGTERM);
    sigaddset(&termination_signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &termination_signals_, nullptr);
  }

  void AnnouncePort(int port) {
    std::printf("LISTENING %d\n", port);
    std::fflush(stdout);
  }

  // Blocks the calling thread until SIGTERM or SIGINT comes.
  void WaitForTermination() {
    int signal_number = 0;
    sigwait(&termination_signals_, &signal_number);
  }

 private:
  sigset_t termination_signals_;
};

}  // namespace weft::testing

#endif  // WEFT_TESTS_TESTING_SERVING_PROCESS_H_
