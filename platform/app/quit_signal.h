// QuitSignal: SIGQUIT (`kill -QUIT`, Ctrl+\) as a question to a running process rather than its
// end, as the Java virtual machine has it.
//
//   weft::app::QuitSignal quit;            // first thing in main(), before any thread exists
//   …
//   quit.OnSignal([&] { LogFibers(runtime); });
//
// From construction the signal is blocked in this thread and in every thread started later; a
// signal before OnSignal() is answered then.
#ifndef WEFT_PLATFORM_APP_QUIT_SIGNAL_H_
#define WEFT_PLATFORM_APP_QUIT_SIGNAL_H_

#include <signal.h>

#include <functional>
#include <thread>

namespace weft::app {

class QuitSignal {
 public:
  // Requires: no other thread has been started. Crashes when no file descriptor is left.
  QuitSignal();
  ~QuitSignal();
  QuitSignal(const QuitSignal&) = delete;
  QuitSignal& operator=(const QuitSignal&) = delete;

  // Calls `answer` for each signal from now on, on a thread of its own; it may block that thread.
  void OnSignal(std::function<void()> answer);
  // Ends that, and waits for an answer that is being given: what it uses may go then.
  void Stop();

 private:
  void Watch(const std::function<void()>& answer);

  sigset_t mask_before_;
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_QUIT_SIGNAL_H_
