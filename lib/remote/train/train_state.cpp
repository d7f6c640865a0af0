#include <remote/train/train_state.h>

#include <nlohmann/json.hpp>

#include <remote/device/error.h>

namespace remote::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;

Json to_json(const MetricValues& values) {
  Json object = Json::object();
  // A figure that is no finite number becomes null: JSON has no other form for it.
  for (const auto& [name, value] : values) object[name] = value;
  return object;
}

}  // namespace

std::string format_train_state(const TrainState& state) {
  Json root = {{"format_version", kFormatVersion},
               {"step", state.step},
               {"validated_step", state.validated_step},
               {"seconds", state.seconds},
               {"seed", state.seed},
               {"batch_size", state.batch_size},
               {"examples_per_epoch", state.examples_per_epoch},
               {"steps_per_epoch", state.steps_per_epoch},
               {"best", nullptr},
               {"metrics", to_json(state.metrics)}};
  if (state.best) {
    root["best"] = {{"metric", state.best->metric}, {"value", state.best->value}, {"step", state.best->step}};
  }
  return root.dump(2) + "\n";
}

TrainState parse_train_state(const std::string& text, const std::string& source) {
  try {
    const Json root = Json::parse(text);
    if (const int version = root.at("format_version"); version != kFormatVersion) {
      throw_error(StatusCode::kFailedPrecondition, source + " has format_version " + std::to_string(version) +
                                                       "; this program reads " + std::to_string(kFormatVersion));
    }
    TrainState state;
    root.at("step").get_to(state.step);
    root.at("validated_step").get_to(state.validated_step);
    root.at("seconds").get_to(state.seconds);
    root.at("seed").get_to(state.seed);
    root.at("batch_size").get_to(state.batch_size);
    root.at("examples_per_epoch").get_to(state.examples_per_epoch);
    root.at("steps_per_epoch").get_to(state.steps_per_epoch);
    if (const Json& best = root.at("best"); !best.is_null()) {
      state.best = BestResult{best.at("metric"), best.at("value"), best.at("step")};
    }
    for (const auto& [name, value] : root.at("metrics").items()) {
      if (!value.is_null()) state.metrics.emplace_back(name, value.get<double>());
    }
    return state;
  } catch (const Json::exception& error) {
    throw_error(StatusCode::kDataLoss, source + " is no train state: " + error.what());
  }
}

}  // namespace remote::train
