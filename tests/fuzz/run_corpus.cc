// Runs a fuzz target over the files of a folder, for compilers without libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "common/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const auto text = keyward::ReadFile(entry.path().string());
    if (!text.ok()) return 1;
    // Cut short too: what ends early is what readers trip over.
    for (size_t size = 0; size <= text->size(); ++size) {
      const std::string part = text->substr(0, size);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(part.data()), part.size());
    }
    ++files;
  }
  printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
