#include "apps/common/run_folder.h"

#include <system_error>

#include <remote/train/run.h>

#include "apps/common/guarded_main.h"

namespace remote::app {
namespace fs = std::filesystem;

fs::path choose_run_folder(const std::string& output, const std::string& name) {
  std::error_code error;
  if (!output.empty()) {
    const train::RunFolder folder{output};
    if (fs::exists(folder.config(), error)) {
      const bool can_resume = fs::exists(folder.checkpoints() / "last", error);
      throw UsageError(output +
                       (can_resume ? ": holds a run already; go on with it by --resume " + output
                                   : ": holds a run that ended without a checkpoint; delete it") +
                       ", or name another folder");
    }
    return output;
  }
  fs::create_directories("runs", error);
  for (int number = 1;; ++number) {
    fs::path folder = fs::path("runs") / (name + "-" + std::to_string(number));
    if (fs::create_directory(folder, error) || error) return folder;
  }
}

std::string config_of_run(const std::string& folder) {
  const fs::path config = train::RunFolder{folder}.config();
  std::error_code error;
  if (!fs::is_regular_file(config, error)) {
    throw UsageError(folder + ": expected a run folder of rt-train, but " +
                     (fs::exists(folder, error) ? "it has no config.yaml" : "there is no such folder"));
  }
  return config.string();
}

}  // namespace remote::app
