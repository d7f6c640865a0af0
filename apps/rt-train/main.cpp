#include <ATen/Parallel.h>

#include <iostream>
#include <memory>
#include <optional>

#include <remote/device/error.h>
#include <remote/train/console.h>
#include <remote/train/evaluator.h>
#include <remote/train/files.h>
#include <remote/train/trainer.h>

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

/// Figures that a run will have, known before it begins.
std::vector<std::string> figures_of(const train::Task& task, const train::TrainerOptions& options) {
  std::vector<std::string> figures{"train/loss", "lr", "val/loss"};
  if (options.clip_grad_norm) figures.emplace_back("train/grad_norm");
  for (const std::string& name : task.metrics()) figures.push_back("val/" + name);
  return figures;
}

/// The folder of a new run, taken away again where the run does not come to its beginning: a mistake found while the
/// data is read should leave nothing that the next try stumbles over.
class NewFolder {
 public:
  NewFolder(const std::string& output, const std::string& name)
      : was_there_(!output.empty() && fs::exists(output)),
        folder_(train::RunFolder::create(choose_run_folder(output, name))) {}
  ~NewFolder() {
    std::error_code ignored;
    if (!kept_ && !was_there_) fs::remove(folder_.root, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const train::RunFolder& folder() const { return folder_; }
  void keep() { kept_ = true; }

 private:
  bool was_there_;
  bool kept_ = false;
  train::RunFolder folder_;
};

/// What `make` returns. Options that don't fit the data or each other are a mistake in the configuration, found late.
template <class Make>
auto from_options(Make make) {
  try {
    return make();
  } catch (const Error& error) {
    if (error.code() == StatusCode::kInvalidArgument) throw UsageError(error.status().message());
    throw;
  }
}

/// Adds what trains the model.
train::TrainerParts trainer_parts(RunParts parts, const schema::RunOptions& config,
                                  const schema::Registries& registries) {
  auto optimizer = registries.optimizers.build(config.optimizer, *parts.model);
  const auto length = train::run_length(config.trainer, parts.batches, *parts.data.train);
  auto schedule =
      registries.schedulers.build(config.scheduler, {optimizer->base_lr(), length.total_steps, length.steps_per_epoch});
  return {parts.model, parts.task, std::move(optimizer), std::move(schedule), std::move(parts.data)};
}

/// All of a run but its training: reads the data, makes the model and its optimizer, and puts one batch through it.
int check(const TrainArguments& arguments, const schema::RunOptions& config, const schema::Registries& registries,
          const std::string& path) {
  const c10::Device device = connect_worker(arguments.worker, arguments.credential_file);
  RunParts run = make_run_parts(config, registries, device);
  const data::BatchOptions batches = run.batches;
  const train::TrainerParts parts = from_options([&] { return trainer_parts(std::move(run), config, registries); });
  const auto length = train::run_length(config.trainer, batches, *parts.data.train);
  const auto& some = parts.data.val ? parts.data.val : parts.data.train;
  train::evaluate(*parts.model, *parts.task, *some, batches, "check", /*max_batches=*/1,
                  [] { return stop_signal() != 0; });
  if (stop_signal() != 0) return 128 + stop_signal();
  std::cout << path << ": no mistake found; a run is " << length.total_steps << " steps, " << length.steps_per_epoch
            << " an epoch; one batch went through the model\n";
  return kExitDone;
}

int train(const TrainArguments& arguments, schema::RunOptions config, const schema::Registries& registries,
          const std::string& config_path) {
  const bool resumes = !arguments.resume.empty();
  std::optional<NewFolder> made;
  if (!resumes)
    made.emplace(arguments.output, fs::path(config_path).stem().string() + (arguments.smoke ? "-smoke" : ""));
  const train::RunFolder folder = resumes ? train::RunFolder::open(arguments.resume) : made->folder();

  const c10::Device device = connect_worker(arguments.worker, arguments.credential_file);
  RunParts parts = make_run_parts(config, registries, device);
  train::RunOptions options{config.trainer, parts.batches, config.checkpoint, config.seed, false};
  if (arguments.smoke) shrink_to_smoke_run(options);
  config.trainer = options.trainer;
  config.checkpoint = options.checkpoint;
  const auto requirements = requirements_on(arguments.require, figures_of(*parts.task, options.trainer));

  train::ConsoleReporter console(config.logging);
  std::optional<StepStats> stats;
  std::vector<train::RunObserver*> observers{&console};
  if (arguments.stats) observers.push_back(&stats.emplace([device] { return device_counts(device); }));
  const auto trainer = from_options([&] {
    return std::make_unique<train::Trainer>(trainer_parts(std::move(parts), config, registries), options, folder,
                                            observers);
  });
  if (resumes) trainer->resume();
  if (made) made->keep();
  train::replace_file(folder.config(), resolved_yaml(config, registries));

  const train::RunResult result = trainer->run(stop_signal());
  if (stats) std::cout << stats->report() << std::flush;
  if (result.status == train::RunStatus::kStopped) return 128 + stop_signal();
  return judge("rt-train", requirements, result.metrics);
}

int body(int argc, const char* const* argv) {
  TrainArguments arguments;
  if (auto code = parse_command_line(argc, argv, arguments)) return *code;
  const schema::Registries registries;
  if (arguments.help_config) {
    std::cout << explain_config(*arguments.help_config, registries);
    return kExitDone;
  }
  const std::string path = arguments.config.empty() ? config_of_run(arguments.resume) : arguments.config;
  const schema::RunOptions config = load_run_config(path, arguments.overrides, registries);
  if (arguments.print_config) {
    std::cout << resolved_yaml(config, registries);
    return kExitDone;
  }

  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  if (arguments.check) return catch_signals(), check(arguments, config, registries, path);
  catch_signals("\nrt-train: stopping, with a checkpoint; a second signal ends it at once, without\n");
  return train(arguments, config, registries, path);
}

}  // namespace
}  // namespace remote::app

int main(int argc, char** argv) {
  return remote::app::guarded_main("rt-train", [&] { return remote::app::body(argc, argv); });
}
