#include "bus_errors.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "annals/env.h"

namespace annals {
namespace {

constexpr std::size_t page = 4096;

// A sanitizer handles the signal before this program begins, and ends it in its own way.
const bool handled_from_the_beginning = [] {
  struct sigaction now{};
  ::sigaction(SIGBUS, nullptr, &now);
  return now.sa_handler != SIG_DFL;
}();

bool dies_of_it(int status) {
  if (handled_from_the_beginning) return !::testing::ExitedWithCode(0)(status);
  return ::testing::KilledBySignal(SIGBUS)(status);
}

/// A file of three pages of 'x', mapped, and what becomes of it.
class mapped_file : public ::testing::Test {
 protected:
  mapped_file() {
    std::string name = (std::filesystem::temp_directory_path() / "annals-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    path_ = directory_ + "/file";
    std::ofstream(path_) << std::string(3 * page, 'x');
  }
  ~mapped_file() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::unique_ptr<mapping> map() const {
    return posix_env()
        .open(path_, file_mode::read, write_through::none)
        .value()
        ->map(3 * page)
        .value();
  }
  void cut_off_at(std::size_t size) const { std::filesystem::resize_file(path_, size); }

  /// Looks at memory of a file that was cut off, which this library knows nothing of.
  void look_at_another_one() const {
    const auto other = directory_ + "/other";
    std::FILE* const file = std::fopen(other.c_str(), "w+");
    std::filesystem::resize_file(other, page);
    const auto* const memory = static_cast<volatile char*>(
        ::mmap(nullptr, page, PROT_READ, MAP_SHARED, ::fileno(file), 0));
    std::filesystem::resize_file(other, 0);
    std::exit(memory[0]);
  }

  std::string directory_;
  std::string path_;
};

TEST_F(mapped_file, shows_zeros_and_tells_when_it_was_cut_off_after_it_was_fetched) {
  const auto before = posix_env().lost_pages();
  const auto mapped = map();
  ASSERT_TRUE(mapped->fetch(0, 3 * page));
  EXPECT_EQ(mapped->bytes()[2 * page], std::byte{'x'});
  EXPECT_TRUE(mapped->check());
  cut_off_at(page);
  EXPECT_TRUE(mapped->check()) << "nobody has looked yet";
  EXPECT_EQ(mapped->bytes()[2 * page + 7], std::byte{0});
  const auto checked = mapped->check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), errc::database_error);
  EXPECT_NE(checked.error().message().find(path_ + " at offset 8192"), std::string::npos)
      << checked.error().message();
  EXPECT_EQ(mapped->bytes()[0], std::byte{'x'}) << "what is there is still seen";
  EXPECT_EQ(posix_env().lost_pages(), before + 1);
}

TEST_F(mapped_file, tells_only_of_its_own_losses) {
  const auto lost = map();
  std::filesystem::rename(path_, path_ + "1");
  std::ofstream(path_) << std::string(3 * page, 'y');
  const auto whole = map();
  std::filesystem::resize_file(path_ + "1", 0);
  EXPECT_EQ(lost->bytes()[page], std::byte{0});
  EXPECT_FALSE(lost->check());
  EXPECT_EQ(whole->bytes()[page], std::byte{'y'});
  EXPECT_TRUE(whole->check());
}

TEST_F(mapped_file, answers_an_error_when_it_is_fetched_after_it_was_cut_off) {
  const auto mapped = map();
  cut_off_at(page);
  const auto fetched = mapped->fetch(page, page);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), errc::database_error);
}

TEST_F(mapped_file, is_not_told_of_after_it_is_gone) {
  map();  // and gone
  EXPECT_EXIT(look_at_another_one(), dies_of_it, "");
}

TEST_F(mapped_file, leaves_a_bus_error_elsewhere_as_deadly_as_it_was) {
  const auto mapped = map();
  EXPECT_EXIT(look_at_another_one(), dies_of_it, "");
}

TEST_F(mapped_file, leaves_a_signal_that_is_sent_as_deadly_as_it_was) {
  const auto mapped = map();
  EXPECT_EXIT(
      {
        ::raise(SIGBUS);
        std::exit(0);
      },
      dies_of_it, "");
}

// A process begins anew in these: the handler is not there yet, and the program has one of its own.
class bus_error_of_a_program : public mapped_file {
 protected:
  bus_error_of_a_program() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~bus_error_of_a_program() override { GTEST_FLAG_SET(death_test_style, "fast"); }

  static void exit_with_41(int) { std::_Exit(41); }
  static void exit_with_42(int, siginfo_t* info, void*) {
    std::_Exit(info->si_addr != nullptr && info->si_code > 0 ? 42 : 1);
  }
};

TEST_F(bus_error_of_a_program, reaches_the_handler_that_was_there_before) {
  EXPECT_EXIT(
      {
        struct sigaction own{};
        own.sa_sigaction = exit_with_42;
        own.sa_flags = SA_SIGINFO;
        ::sigaction(SIGBUS, &own, nullptr);
        const auto mapped = map();
        look_at_another_one();
      },
      ::testing::ExitedWithCode(42), "");
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, exit_with_41);
        const auto mapped = map();
        look_at_another_one();
      },
      ::testing::ExitedWithCode(41), "");
}

TEST_F(bus_error_of_a_program, is_not_handled_before_a_file_is_mapped_or_when_left_alone) {
  if (handled_from_the_beginning) GTEST_SKIP() << "a sanitizer handles it";
  const auto has_a_handler = [] {
    struct sigaction now{};
    ::sigaction(SIGBUS, nullptr, &now);
    return now.sa_handler != SIG_DFL;
  };
  EXPECT_EXIT(
      {
        posix_env();
        const bool before = has_a_handler();
        const auto mapped = map();
        std::exit(!before && has_a_handler() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        leave_bus_errors_alone();
        const auto mapped = map();
        if (has_a_handler()) std::exit(1);
        cut_off_at(0);
        std::exit(static_cast<int>(mapped->bytes()[0]));
      },
      dies_of_it, "");
}

}  // namespace
}  // namespace annals
