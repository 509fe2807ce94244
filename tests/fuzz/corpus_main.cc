// Stands in for libFuzzer where there is none: feeds a target every file of the folders that are
// named, so that the corpora are regression tests with every compiler.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.h"

namespace {

std::vector<std::uint8_t> content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t fed = 0;
  for (int i = 1; i < count; ++i) {
    if (*arguments[i] == '-') continue;  // options of libFuzzer
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i]))
      paths.push_back(entry.path());
    std::ranges::sort(paths);
    for (const auto& path : paths) {
      std::fprintf(stderr, "%s\n", path.c_str());
      const auto bytes = content(path);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++fed;
    }
  }
  std::printf("%zu files\n", fed);
  return fed == 0 ? 1 : 0;
}
