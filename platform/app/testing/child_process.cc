#include "platform/app/testing/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"

namespace weft::app {

ChildProcess::Reader::Reader() { Check(pipe2(fds_, O_CLOEXEC) == 0, "no pipe for a child"); }

ChildProcess::Reader::~Reader() {
  Join();
  close(fds_[0]);
}

void ChildProcess::Reader::Start() {
  close(fds_[1]);  // only the child has it now, so its end is seen
  thread_ = std::thread([this] { Read(); });
}

void ChildProcess::Reader::Join() {
  if (thread_.joinable()) thread_.join();
}

void ChildProcess::Reader::Read() {
  char buffer[4096];
  ssize_t count = 0;
  while ((count = read(fds_[0], buffer, sizeof(buffer))) > 0) {
    absl::MutexLock lock(&mutex_);
    text_.append(buffer, static_cast<size_t>(count));
  }
  absl::MutexLock lock(&mutex_);
  closed_ = true;
}

bool ChildProcess::Reader::WaitFor(absl::string_view text) const {
  absl::MutexLock lock(&mutex_);
  const auto seen = [this, text]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return closed_ || absl::StrContains(text_, text);
  };
  mutex_.Await(absl::Condition(&seen));
  return absl::StrContains(text_, text);
}

std::string ChildProcess::Reader::text() const {
  absl::MutexLock lock(&mutex_);
  return text_;
}

ChildProcess::ChildProcess(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output_.write_end(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors_.write_end(), STDERR_FILENO);
  const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  Check(error == 0, "the child's program cannot be started");
  output_.Start();
  errors_.Start();
}

ChildProcess::~ChildProcess() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    Wait();
  }
}

void ChildProcess::Signal(int signal) {
  Check(!ended_, "a child that was waited for gets no signals");
  kill(pid_, signal);
}

int ChildProcess::Wait() {
  if (std::exchange(ended_, true)) return exit_status_;
  int status = 0;
  Check(waitpid(pid_, &status, 0) == pid_, "waitpid failed");
  exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  output_.Join();
  errors_.Join();
  return exit_status_;
}

}  // namespace weft::app
