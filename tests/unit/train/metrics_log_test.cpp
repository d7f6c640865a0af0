#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/metrics_log.h>

#include "tests/support/temporary_folder.h"

namespace remote::train {
namespace {

class MetricsLogTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "metrics.jsonl"; }

 private:
  remote::test::TemporaryFolder folder_;
};

TEST_F(MetricsLogTest, ALineIsInTheFileWhenWriteReturns) {
  MetricsLog log = MetricsLog::create(path());
  log.write({40, 1, {{"train/loss", 0.5}, {"lr", 0.001}}});
  EXPECT_EQ(read_file(path()), "{\"step\":40,\"epoch\":1,\"train/loss\":0.5,\"lr\":0.001}\n");
}

TEST_F(MetricsLogTest, NumbersAreTheShortestThatReadBackEqual) {
  EXPECT_EQ(MetricsLog::format({1, 1, {{"a", static_cast<double>(0.1f)}, {"b", 0.1}, {"c", std::nan("")}}}),
            "{\"step\":1,\"epoch\":1,\"a\":0.1,\"b\":0.1,\"c\":null}\n");
  EXPECT_EQ(MetricsLog::format({1, 1, {{"a", 1.0 / 3}}}), "{\"step\":1,\"epoch\":1,\"a\":0.3333333333333333}\n");
}

TEST_F(MetricsLogTest, ResumingCutsLaterLinesAndOneThatACrashLeftHalf) {
  std::ofstream(path())
      << "{\"step\":10,\"epoch\":1}\n{\"step\":20,\"epoch\":1}\n{\"step\":30,\"epoch\":1}\n{\"step\":4";
  MetricsLog log = MetricsLog::resume(path(), 20);
  EXPECT_EQ(read_file(path()), "{\"step\":10,\"epoch\":1}\n{\"step\":20,\"epoch\":1}\n");
  log.write({21, 2, {}});
  EXPECT_EQ(read_file(path()), "{\"step\":10,\"epoch\":1}\n{\"step\":20,\"epoch\":1}\n{\"step\":21,\"epoch\":2}\n");
}

TEST_F(MetricsLogTest, AFolderThatIsNotThereIsAnError) {
  try {
    MetricsLog::create(path() / "no" / "metrics.jsonl");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.status().message().find("metrics.jsonl/no/metrics.jsonl: No such file"), std::string::npos)
        << error.status().message();
  }
}

}  // namespace
}  // namespace remote::train
