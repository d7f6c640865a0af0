#include <nlohmann/json.hpp>

#include <cmath>

#include <remote/train/files.h>
#include <remote/train/run.h>

namespace remote::train {
namespace {

using Json = nlohmann::ordered_json;

/// A whole number where it is one: 2, not 2.0.
Json number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

const char* run_status_name(RunStatus status) {
  switch (status) {
    case RunStatus::kCompleted:
      return "completed";
    case RunStatus::kStopped:
      return "stopped";
    case RunStatus::kFailed:
      return "failed";
  }
  return "unknown";
}

void write_summary(const std::filesystem::path& path, const RunResult& result) {
  Json root = {{"status", run_status_name(result.status)},
               {"error", or_null(result.error)},
               {"steps", result.steps},
               {"epochs", number(result.epochs())},
               {"seconds", result.seconds},
               {"examples_per_second", result.examples_per_second},
               {"device", result.device},
               {"parameters", result.parameters},
               {"metrics", Json::object()},
               {"best", nullptr},
               {"checkpoint", or_null(result.checkpoint.string())}};
  for (const auto& [name, value] : result.metrics) root["metrics"][name] = value;
  if (result.best) {
    root["best"] = {{"metric", result.best->metric}, {"value", result.best->value}, {"step", result.best->step}};
  }
  // Replaces what is no UTF-8 in a message instead of failing over it.
  replace_file(path, root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace remote::train
