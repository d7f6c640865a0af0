#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "apps/config/node.h"
#include "apps/config/scalar.h"
#include "apps/config/suggest.h"
#include "apps/config/yaml_reader.h"

namespace remote::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Read {
  Diagnostics diagnostics;
  Node root;

  explicit Read(const std::string& yaml) {
    root = read_yaml(std::make_shared<Source>(Source::Kind::kFile, "x.yaml", yaml), diagnostics);
  }
  std::string errors() const { return diagnostics.render(); }
};

TEST(YamlReaderTest, KeepsThePlaceOfKeysAndValues) {
  Read read("a: 1\nb:\n  - c: 'two'\n");
  EXPECT_EQ(read.errors(), "");
  EXPECT_EQ(read.root.find("a")->where.to_string(), "x.yaml:1:1");
  EXPECT_EQ(read.root.find("a")->value.where.to_string(), "x.yaml:1:4");
  const Node& item = read.root.find("b")->value.items.at(0);
  EXPECT_EQ(item.find("c")->value.where.to_string(), "x.yaml:3:8");
  EXPECT_TRUE(item.find("c")->value.quoted);
  EXPECT_FALSE(read.root.find("a")->value.quoted);
}

TEST(YamlReaderTest, ReportsEveryDuplicateKey) {
  Read read("a: 1\nb: {c: 1, c: 2}\na: 3\n");
  EXPECT_THAT(read.errors(), HasSubstr("x.yaml:2:11: the key 'c' stands here a second time; first in line 2\n"));
  EXPECT_THAT(read.errors(), HasSubstr("x.yaml:3:1: the key 'a' stands here a second time; first in line 1\n"));
}

TEST(YamlReaderTest, ReportsSyntaxErrorsWithLineAndColumn) {
  EXPECT_THAT(Read("a: 1\nb: [1, 2\nc: 3\n").errors(), HasSubstr("YAML syntax: "));
  EXPECT_THAT(Read("a: [1, 2\n").errors(), HasSubstr("the '[' in line 1, column 4 is not closed"));
  EXPECT_THAT(Read("a:\n\tb: 1\n").errors(), StartsWith("x.yaml:2:1: YAML syntax: "));
  EXPECT_THAT(Read("a: \"open\nb: 1\n").errors(), StartsWith("x.yaml:1:4: YAML syntax: the closing quote is missing"));
  EXPECT_THAT(Read("a: 'it''s\n").errors(), StartsWith("x.yaml:1:4: YAML syntax: the closing quote is missing"));
  EXPECT_EQ(Read("a: \"q\\\"q\\\\\"\nb: 'it''s'\n").errors(), "");
  EXPECT_THAT(Read("a: 1\n b: 2\n").errors(), StartsWith("x.yaml:2:"));
  EXPECT_THAT(Read("a: *nowhere\n").errors(), HasSubstr("the referenced anchor is not defined"));
}

TEST(YamlReaderTest, ResolvesAliasesAndMerges) {
  Read read("base: &b {x: 1, y: 2}\nmade: {<<: *b, y: 3}\nsame: *b\nmany: {<<: [*b, {z: 4}]}\n");
  EXPECT_EQ(read.errors(), "");
  const Node& made = read.root.find("made")->value;
  EXPECT_EQ(made.find("x")->value.text, "1");
  EXPECT_EQ(made.find("y")->value.text, "3");
  EXPECT_TRUE(same_content(read.root.find("same")->value, read.root.find("base")->value));
  EXPECT_EQ(read.root.find("many")->value.find("z")->value.text, "4");
}

TEST(YamlReaderTest, RefusesAnAliasWithinItself) {
  EXPECT_THAT(Read("a: &x [1, *x]\n").errors(), HasSubstr("stands inside the value that it refers to"));
}

TEST(YamlReaderTest, BoundsWhatAliasesCanGrowTo) {
  std::string yaml = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    std::string alias = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int k = 0; k < 9; ++k) yaml += ", " + alias;
    yaml += "]\n";
  }
  EXPECT_THAT(Read(yaml).errors(), HasSubstr("has more than 200000 values"));
}

TEST(YamlReaderTest, BoundsDepth) {
  EXPECT_THAT(Read(std::string(300, '[') + std::string(300, ']')).errors(), HasSubstr("nested more than 64 deep"));
}

TEST(YamlReaderTest, RefusesTagsAndASecondDocument) {
  EXPECT_THAT(Read("a: !python/object 3\n").errors(), HasSubstr("the tag '!python/object' has no meaning"));
  EXPECT_THAT(Read("a: 1\n---\nb: 2\n").errors(), HasSubstr("x.yaml:3:1: a second document begins here"));
  EXPECT_EQ(Read("---\na: 1\n").errors(), "");
}

TEST(YamlReaderTest, ReadsWindowsLinesAndAByteOrderMark) {
  Read read(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n");
  EXPECT_EQ(read.errors(), "");
  EXPECT_EQ(read.root.find("a")->value.text, "1");
  EXPECT_EQ(read.root.find("b")->value.text, "x");
}

TEST(YamlReaderTest, AnEmptyDocumentIsNull) {
  EXPECT_EQ(Read("# nothing\n").root.kind, Node::Kind::kNull);
  EXPECT_EQ(Read("").errors(), "");
}

TEST(YamlReaderTest, NeverThrowsForBrokenText) {
  const std::string good = "a: &x {b: [1, 'two', \"three\"], c: {<<: {d: ~}}}\ne: *x\nf: |\n  text\n- 3\n";
  for (size_t i = 0; i < good.size(); ++i) {
    for (char c : std::string("{}[]:,&*#'\"\n\t |>!%@`-?~\x01")) {
      std::string bad = good;
      bad[i] = c;
      EXPECT_NO_THROW(Read(bad).errors());
      EXPECT_NO_THROW(Read(good.substr(0, i) + c).errors());
    }
  }
}

TEST(SourceTest, SaysWhatIsWrongWithAFile) {
  auto message = [](const std::string& path) {
    try {
      read_source(path);
    } catch (const SourceError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  auto folder = std::filesystem::temp_directory_path() / ("remote_source_test_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::string bad = folder / "bad.yaml";
  std::ofstream(bad, std::ios::binary) << "a: 1\nb: \xFF\n";
  EXPECT_EQ(message(folder / "none.yaml"), (folder / "none.yaml").string() + ": there is no such file");
  EXPECT_EQ(message(folder), folder.string() + ": expected a YAML file, found a directory");
  EXPECT_THAT(message(bad), HasSubstr(bad + ":2: expected UTF-8 text, found the byte 255 at offset 8"));
  std::filesystem::remove_all(folder);
}

TEST(SourceTest, FindsTheFirstByteThatIsNoUtf8) {
  EXPECT_EQ(find_invalid_utf8("größe \xE2\x82\xAC \xF0\x9F\x99\x82"), std::string::npos);
  EXPECT_EQ(find_invalid_utf8("a\xC0\x80"), 1u);
  EXPECT_EQ(find_invalid_utf8("ab\xE2\x82"), 2u);
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u);
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0u);
  EXPECT_EQ(find_invalid_utf8(std::string_view("a\0b", 3)), 1u);
}

TEST(ScalarTest, ReadsYamlsCoreSchema) {
  EXPECT_EQ(parse_int("12"), 12);
  EXPECT_EQ(parse_int("-12"), -12);
  EXPECT_EQ(parse_int("+12"), 12);
  EXPECT_EQ(parse_int("0x1F"), 31);
  EXPECT_EQ(parse_int("0o17"), 15);
  for (const char* text : {"", "1.0", "1e3", "0x", "0x-1", "+-1", "12a", "9223372036854775808", "one"}) {
    EXPECT_EQ(parse_int(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_float("1e-3"), 0.001);
  EXPECT_EQ(parse_float("-.5"), -0.5);
  EXPECT_EQ(parse_float("3"), 3.0);
  EXPECT_EQ(parse_float("-.inf"), -std::numeric_limits<double>::infinity());
  for (const char* text : {"", "inf", "nan", "-", "1.0.0", "1e", "--1", "e5"}) {
    EXPECT_EQ(parse_float(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_bool("True"), true);
  EXPECT_EQ(parse_bool("yes"), std::nullopt);
}

TEST(ScalarTest, WrittenFloatsReadBackEqualAndAreFloatsToOtherReaders) {
  for (double value : {0.1, 1e-5, 1e300, 3.0, -2.5e-7, 123456789.0, 5e-324}) {
    EXPECT_EQ(parse_float(float_scalar(value)), value);
    EXPECT_NE(float_scalar(value).find('.'), std::string::npos) << float_scalar(value);
  }
}

TEST(ScalarTest, QuotesWhatWouldReadAsSomethingElse) {
  for (const char* text : {"", "12", "true", "null", "~", "no", "a: b", "# x", "- a", "*a", "a\nb", "tab\t", "{",
                           "ü \"q\"", "1.2.3", "<<"}) {
    std::string yaml = "k: " + string_scalar(text) + "\n";
    Read read(yaml);
    EXPECT_EQ(read.errors(), "") << yaml;
    EXPECT_EQ(read.root.find("k")->value.text, text);
    EXPECT_TRUE(read.root.find("k")->value.quoted) << yaml;
  }
  EXPECT_EQ(string_scalar("runs/a-b_c.d"), "runs/a-b_c.d");
}

TEST(SuggestTest, MeasuresEdits) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("lr", "rl"), 1u);
  EXPECT_EQ(edit_distance("Linear", "linear"), 0u);
  EXPECT_EQ(closest("momentun", {"lr", "momentum"}), "momentum");
  EXPECT_EQ(closest("xy", {"lr", "p"}), "");
}

}  // namespace
}  // namespace remote::config
