// ShutdownSignals: SIGTERM and SIGINT as something main() waits for, not as something that
// interrupts.
//
//   weft::app::ShutdownSignals signals;   // first thing in main(), before any thread exists
//   …                                     // start threads, serve
//   signals.Wait();                       // until the first signal
//   …                                     // shut down in order
//
// States: from construction both signals are blocked, in this thread and in every thread started
// later, and Wait() reads them from a signalfd. Once Wait() has seen the first, the calling thread
// takes the next one at once, by a handler that ends the process with status 128 + its number: who
// sends a second signal does not want to wait for the drain. No thread of its own.
//
// While a process starts, an ExitOnSignal makes the first signal end it at once: there is nothing
// to drain yet, and a set-up that hangs must not need a SIGKILL.
//
// SIGPIPE is ignored: a peer that hung up is an error of that write, not the end of the process.
//
// A child process inherits the blocked signals; whoever forks resets them with sigprocmask.
#ifndef WEFT_PLATFORM_APP_SIGNALS_H_
#define WEFT_PLATFORM_APP_SIGNALS_H_

#include <signal.h>

#include <thread>

#include "absl/time/time.h"

namespace weft::app {

class ShutdownSignals {
 public:
  // Requires: no other thread has been started, and no other object of this class exists. Crashes
  // when the kernel refuses a signalfd (no file descriptor left at the start of the process).
  ShutdownSignals();
  // Gives the signals back as they were found. Requires: the thread that constructed it.
  ~ShutdownSignals();
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  // Blocks the calling thread until a signal has come or Request() was called, at most `timeout`.
  // Returns the signal's number, kRequested, or kTimeout. After a signal the next one ends the
  // process. Requires: the thread that constructed it.
  int Wait(absl::Duration timeout = absl::InfiniteDuration());
  static constexpr int kRequested = 0;
  static constexpr int kTimeout = -1;

  // Makes Wait() return as if a signal had come, now or when it is next called. Any thread; also
  // from a signal handler; never blocks.
  void Request();

 private:
  friend class ExitOnSignal;
  void ExitOnNext();

  sigset_t mask_before_;
  struct sigaction term_before_;
  struct sigaction int_before_;
  struct sigaction pipe_before_;
  int signal_fd_ = -1;
  int request_fd_ = -1;
};

// As long as it lives, a signal ends the process at once with status 128 + its number. One thread.
class ExitOnSignal {
 public:
  // Requires: nobody calls signals.Wait() meanwhile.
  explicit ExitOnSignal(const ShutdownSignals& signals);
  ~ExitOnSignal();
  ExitOnSignal(const ExitOnSignal&) = delete;
  ExitOnSignal& operator=(const ExitOnSignal&) = delete;

 private:
  void Watch(int signal_fd);

  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_SIGNALS_H_
