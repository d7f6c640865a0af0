#include <remote/train/schema/schedulers.h>

#include <remote/train/schema/describe.h>

namespace remote::schema {
namespace {

template <class Options>
void add_schedule(SchedulerRegistry& registry, const char* name, const char* doc,
                  std::initializer_list<std::string_view> aliases = {}) {
  registry.add(
      name, doc, Options(), [](FieldVisitor& v, Options& o) { describe(v, o); },
      [](const Options& o, const train::ScheduleContext& context) { return train::make_schedule(o, context); },
      aliases);
}

}  // namespace

void register_schedulers(SchedulerRegistry& registry) {
  add_schedule<train::ConstantScheduleOptions>(registry, "Constant", "the optimizer's lr all the time", {"none"});
  add_schedule<train::StepLROptions>(registry, "StepLR", "multiplied by gamma every step_size");
  add_schedule<train::MultiStepLROptions>(registry, "MultiStepLR", "multiplied by gamma at each milestone");
  add_schedule<train::ExponentialLROptions>(registry, "ExponentialLR", "multiplied by gamma each time");
  add_schedule<train::CosineAnnealingLROptions>(registry, "CosineAnnealingLR", "half a cosine down to eta_min",
                                                {"CosineLR", "cosine"});
  add_schedule<train::LinearLROptions>(registry, "LinearLR", "from one factor to another, linearly");
  add_schedule<train::WarmupCosineOptions>(registry, "WarmupCosine",
                                           "a linear warm-up, then half a cosine down to eta_min",
                                           {"WarmupCosineLR", "cosine_with_warmup"});
}

}  // namespace remote::schema
