#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <sstream>
#include <string>
#include <thread>

namespace annals {

/// A child process that appends, and what it acknowledged.
class appender {
 public:
  appender(const std::string& program, const std::string& directory, int blocking, int completing,
           const std::string& durability = "power_loss") {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const auto writers = std::to_string(blocking);
    const auto others = std::to_string(completing);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(program.c_str(), program.c_str(), directory.c_str(), writers.c_str(), others.c_str(),
              durability.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
    reader_ = std::thread([this] {
      char buffer[65'536];
      for (ssize_t got = 0; (got = ::read(pipe_, buffer, sizeof buffer)) > 0;) {
        output_.append(buffer, static_cast<std::size_t>(got));
        if (!heard_.test_and_set()) heard_.notify_all();
      }
      if (!heard_.test_and_set()) heard_.notify_all();
    });
  }
  ~appender() { ::close(pipe_); }

  /// Returns when something was acknowledged, or the process has ended.
  void wait_for_answer() const { heard_.wait(false); }
  /// Kills it without warning; gives the newest acknowledged version of every writer.
  std::map<int, std::uint64_t> kill() {
    ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
    reader_.join();
    std::map<int, std::uint64_t> newest;
    std::istringstream lines(output_);
    int writer = 0;
    std::uint64_t version = 0;
    while (lines >> writer >> version) newest[writer] = std::max(newest[writer], version);
    return newest;
  }

 private:
  pid_t child_ = 0;
  int pipe_ = -1;
  std::string output_{};
  std::atomic_flag heard_{};
  std::thread reader_{};
};

}  // namespace annals
