// The decoder under libFuzzer, where the compiler has it.
#include <cstdlib>

#include "decoder_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (!remote::fuzz::decode({reinterpret_cast<const char*>(data), size}).bystander_works) std::abort();
  return 0;
}
