#include <ATen/Parallel.h>

#include <filesystem>
#include <iomanip>
#include <iostream>

#include <remote/device/error.h>
#include <remote/train/checkpoint.h>
#include <remote/train/evaluator.h>
#include <remote/train/safetensors.h>
#include <remote/train/state_dict.h>

#include "apps/common/command_line.h"
#include "apps/common/exit_code.h"
#include "apps/common/guarded_main.h"
#include "apps/common/run_config.h"
#include "apps/common/run_folder.h"
#include "apps/common/run_parts.h"
#include "apps/common/signals.h"
#include "apps/common/worker.h"

namespace remote::app {
namespace {

namespace fs = std::filesystem;

/// The weights to evaluate: those that were named, else the run's best, else its last.
fs::path weights_of(const EvalArguments& arguments) {
  if (!arguments.weights.empty()) return arguments.weights;
  const fs::path checkpoints = train::RunFolder{arguments.run}.checkpoints();
  for (const char* name : {"best", "last"}) {
    const fs::path file = checkpoints / name / "model.safetensors";
    if (fs::exists(file)) return file;
  }
  throw UsageError(arguments.run + ": expected a run folder with a checkpoint, but there is none in " +
                   checkpoints.string());
}

int evaluate(const EvalArguments& arguments, const schema::RunOptions& config, const schema::Registries& registries) {
  const fs::path weights = weights_of(arguments);
  const train::Safetensors saved = train::read_safetensors(weights);
  const c10::Device device = connect_worker(arguments.worker, arguments.credential_file);
  const RunParts parts = make_run_parts(config, registries, device);
  std::vector<std::string> figures{arguments.split + "/loss"};
  for (const std::string& name : parts.task->metrics()) figures.push_back(arguments.split + "/" + name);
  const auto requirements = requirements_on(arguments.require, figures);

  train::check_metadata(parts.data.metadata, saved.metadata, weights.string());
  train::load_state_dict(*parts.model, saved.tensors, weights.string());
  const auto& data = arguments.split == "train" ? parts.data.train : parts.data.val;
  const train::MetricValues metrics = train::evaluate(*parts.model, *parts.task, *data, parts.batches, arguments.split,
                                                      std::nullopt, [] { return stop_signal() != 0; });
  if (stop_signal() != 0) return 128 + stop_signal();
  std::cout << "weights " << weights.string() << "\n" << std::setprecision(6);
  for (const auto& [name, value] : metrics) std::cout << name << " " << value << "\n";
  return judge("rt-eval", requirements, metrics);
}

int body(int argc, const char* const* argv) {
  EvalArguments arguments;
  if (auto code = parse_command_line(argc, argv, arguments)) return *code;
  const schema::Registries registries;
  const std::string path = arguments.run.empty() ? arguments.config : config_of_run(arguments.run);
  const schema::RunOptions config = load_run_config(path, arguments.overrides, registries);

  catch_signals();
  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  return evaluate(arguments, config, registries);
}

}  // namespace
}  // namespace remote::app

int main(int argc, char** argv) {
  return remote::app::guarded_main("rt-eval", [&] { return remote::app::body(argc, argv); });
}
