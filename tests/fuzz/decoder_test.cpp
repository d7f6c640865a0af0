// Bytes that no client would send: whatever they are, a worker neither crashes nor hangs, and its other sessions go on.
// The mutations are the same in every run.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <random>

#include "decoder_input.h"

namespace remote::fuzz {
namespace {

/// A few changes of the kinds that decoders stumble over.
std::string mutate(std::string bytes, const std::vector<std::string>& corpus, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : static_cast<size_t>(random() % n); };
  for (size_t i = 0, changes = 1 + below(4); i < changes; ++i) {
    const size_t at = below(bytes.size());
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] ^= static_cast<char>(1 << below(8));
        break;
      case 2:
        bytes.insert(at, std::string(1 + below(9), static_cast<char>(below(2) == 0 ? 0xff : random())));
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      case 4:
        bytes.resize(at + 1);
        break;
      case 5:
        bytes.replace(at, std::min<size_t>(8, bytes.size() - at), std::string(8, static_cast<char>(below(2) * 0xff)));
        break;
      default: {
        const std::string& other = corpus[below(corpus.size())];
        bytes.insert(at, other.substr(below(other.size()), below(40)));
      }
    }
    if (bytes.empty()) bytes.push_back('\0');
  }
  return bytes;
}

class DecoderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
#ifndef __SANITIZE_ADDRESS__
    // A view that repeats its elements can make an op ask for any amount of memory.
    const rlimit limit{rlim_t{6} << 30, rlim_t{6} << 30};
    setrlimit(RLIMIT_AS, &limit);
#endif
  }
};

TEST_F(DecoderTest, TheCorpusItselfRuns) {
  const auto corpus = decoder_corpus();
  const uint64_t answers[] = {6, 1, 1, 1}, failed_records[] = {0, 1, 0, 0};
  ASSERT_EQ(corpus.size(), 4u);
  for (size_t i = 0; i < corpus.size(); ++i) {
    const Decoded decoded = decode(corpus[i]);
    EXPECT_TRUE(decoded.bystander_works);
    EXPECT_EQ(decoded.answers, answers[i]) << "batch " << i;
    EXPECT_EQ(decoded.failed_records, failed_records[i]) << "batch " << i;
  }
}

TEST_F(DecoderTest, MutatedBatchesDoNoHarm) {
  const auto corpus = decoder_corpus();
  for (uint64_t seed = 0; seed < 12000; ++seed) {
    std::mt19937_64 random(seed);
    const std::string& origin = corpus[random() % corpus.size()];
    ASSERT_TRUE(decode(mutate(origin, corpus, random)).bystander_works) << "seed " << seed;
  }
}

TEST_F(DecoderTest, EveryCutOfABatchDoesNoHarm) {
  for (const auto& bytes : decoder_corpus()) {
    for (size_t size = 0; size < bytes.size(); size += 7) {
      ASSERT_TRUE(decode(std::string_view(bytes).substr(0, size)).bystander_works) << size;
    }
  }
}

TEST_F(DecoderTest, RandomBytesDoNoHarm) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() % 20 : random());
    ASSERT_TRUE(decode(bytes).bystander_works) << "seed " << seed;
  }
}

}  // namespace
}  // namespace remote::fuzz
