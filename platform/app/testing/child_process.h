// ChildProcess: a program started by a test, with its output, signals and exit status.
#ifndef WEFT_PLATFORM_APP_TESTING_CHILD_PROCESS_H_
#define WEFT_PLATFORM_APP_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace weft::app {

// Calls block the thread. Nothing here has a timeout: the test runner has one.
class ChildProcess {
 public:
  // `program` as execv wants it.
  ChildProcess(const std::string& program, std::vector<std::string> arguments);
  // Kills it, if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits until `text` is in what it wrote to stdout (or stderr), or it has closed them. False: it
  // never wrote that.
  bool WaitForOutput(absl::string_view text) { return output_.WaitFor(text); }
  bool WaitForErrors(absl::string_view text) { return errors_.WaitFor(text); }

  void Signal(int signal);
  // Waits for its end. Its exit status; 1000 + n when signal n killed it.
  int Wait();

  std::string Output() const { return output_.text(); }
  std::string Errors() const { return errors_.text(); }

 private:
  // Gathers what comes out of a pipe.
  class Reader {
   public:
    Reader();
    ~Reader();
    int write_end() const { return fds_[1]; }
    void Start();
    void Join();
    bool WaitFor(absl::string_view text) const;
    std::string text() const;

   private:
    void Read();
    int fds_[2] = {-1, -1};
    std::thread thread_;
    mutable absl::Mutex mutex_;
    std::string text_ ABSL_GUARDED_BY(mutex_);
    bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  };

  Reader output_;
  Reader errors_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int exit_status_ = -1;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_TESTING_CHILD_PROCESS_H_
