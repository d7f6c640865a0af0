#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "protocol_text.h"

namespace remote::golden {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(std::string(REMOTE_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The first byte of every block whose title begins so.
std::set<int> first_bytes(const std::string& text, const std::string& kind) {
  std::set<int> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kind) || !std::getline(lines, line)) continue;
    result.insert(std::stoi(line, nullptr, 16));
  }
  return result;
}

std::set<int> range(int first, int last) {
  std::set<int> result;
  for (int i = first; i <= last; ++i) result.insert(i);
  return result;
}

constexpr const char* kHint =
    "the bytes of the protocol changed. If that was meant, proto/VERSIONS.md needs a line and perhaps a new version; "
    "then: print_protocol records|exchange > tests/golden/...";

TEST(GoldenTest, RecordsAndValuesAreTheBytesThatWereWrittenDown) {
  EXPECT_EQ(records(), content("tests/golden/records.txt")) << kHint;
}

TEST(GoldenTest, TheExchangeIsTheBytesThatWereWrittenDown) {
  EXPECT_EQ(exchange(), content("tests/golden/exchange.txt")) << kHint;
}

TEST(GoldenTest, EveryVerbAndEveryTagIsThere) {
  EXPECT_EQ(first_bytes(records(), "record:"), range(1, 18));
  EXPECT_EQ(first_bytes(records(), "value:"), range(0, 17));
}

TEST(GoldenTest, TheDocumentQuotesTheExchange) {
  const std::string document = content("docs/protocol.md");
  std::istringstream lines(exchange());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(document, testing::HasSubstr(line + "\n")) << "docs/protocol.md does not quote this line";
  }
}

}  // namespace
}  // namespace remote::golden
