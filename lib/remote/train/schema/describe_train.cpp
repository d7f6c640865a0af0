#include <remote/train/schema/describe.h>

namespace remote::schema {
namespace {

using train::Interval;

void describe_lr(FieldVisitor& v, double& lr) {
  v.field("lr", lr, {.doc = "learning rate", .above = 0, .known_as = "learning_rate base_lr max_lr"});
}

void describe_decay(FieldVisitor& v, train::WeightDecayOptions& o) {
  v.field("weight_decay", o.weight_decay, {.min = 0, .known_as = "decay l2 wd"});
  v.field("decay_matrices_only", o.decay_matrices_only,
          {.doc = "no decay of parameters with fewer than two dimensions: biases and norms"});
}

void describe_interval(FieldVisitor& v, Interval& interval) {
  v.choice("interval", interval, {{"epoch", Interval::kEpoch}, {"step", Interval::kStep}},
           {.doc = "what the counts count"});
}

}  // namespace

void describe(FieldVisitor& v, train::CrossEntropyLossOptions& o) {
  v.field("label_smoothing", o.label_smoothing,
          {.doc = "part of the target that all classes share", .min = 0, .max = 1});
  v.field("ignore_index", o.ignore_index, {.doc = "label that does not count"});
}

void describe(FieldVisitor& v, train::NLLLossOptions& o) {
  v.field("ignore_index", o.ignore_index, {.doc = "label that does not count"});
}

void describe(FieldVisitor& v, train::SGDOptions& o) {
  describe_lr(v, o.lr);
  v.field("momentum", o.momentum, {.min = 0});
  v.field("dampening", o.dampening);
  v.field("nesterov", o.nesterov);
  describe_decay(v, o);
  v.check(!o.nesterov || (o.momentum > 0 && o.dampening == 0), "nesterov", "nesterov needs a momentum and no dampening",
          {"momentum", "dampening"});
}

void describe(FieldVisitor& v, train::AdamOptions& o) {
  describe_lr(v, o.lr);
  v.field("betas", o.betas, {.doc = "decay rates of the two moments", .min = 0, .below = 1, .known_as = "beta1 beta2"});
  v.field("eps", o.eps, {.min = 0, .known_as = "epsilon"});
  v.field("amsgrad", o.amsgrad);
  describe_decay(v, o);
}

void describe(FieldVisitor& v, train::AdamWOptions& o) { describe(v, static_cast<train::AdamOptions&>(o)); }

void describe(FieldVisitor& v, train::RMSpropOptions& o) {
  describe_lr(v, o.lr);
  v.field("alpha", o.alpha, {.doc = "decay rate of the mean of squares", .min = 0, .known_as = "rho decay_rate"});
  v.field("eps", o.eps, {.min = 0, .known_as = "epsilon"});
  v.field("momentum", o.momentum, {.min = 0});
  v.field("centered", o.centered, {.doc = "scale by the variance in place of the mean of squares"});
  describe_decay(v, o);
}

void describe(FieldVisitor& v, train::AdagradOptions& o) {
  describe_lr(v, o.lr);
  v.field("lr_decay", o.lr_decay, {.min = 0});
  v.field("initial_accumulator_value", o.initial_accumulator_value, {.min = 0});
  v.field("eps", o.eps, {.min = 0, .known_as = "epsilon"});
  describe_decay(v, o);
}

void describe(FieldVisitor&, train::ConstantScheduleOptions&) {}

void describe(FieldVisitor& v, train::StepLROptions& o) {
  v.field("step_size", o.step_size,
          {.doc = "the rate is multiplied by gamma so often", .required = true, .min = 1, .known_as = "stepsize"});
  v.field("gamma", o.gamma, {.min = 0});
  describe_interval(v, o.interval);
}

void describe(FieldVisitor& v, train::MultiStepLROptions& o) {
  v.field("milestones", o.milestones,
          {.doc = "the rate is multiplied by gamma at each", .required = true, .min = 1, .known_as = "steps"});
  v.field("gamma", o.gamma, {.min = 0});
  describe_interval(v, o.interval);
  bool rising = true;
  for (size_t i = 1; i < o.milestones.size(); ++i) rising = rising && o.milestones[i - 1] < o.milestones[i];
  v.check(rising, "milestones", "milestones must rise");
}

void describe(FieldVisitor& v, train::ExponentialLROptions& o) {
  v.field("gamma", o.gamma, {.doc = "the rate is multiplied by it each time", .required = true, .above = 0});
  describe_interval(v, o.interval);
}

void describe(FieldVisitor& v, train::CosineAnnealingLROptions& o) {
  v.field("T_max", o.T_max, {.doc = "counts until eta_min; null for the whole run, step by step", .min = 1});
  v.field("eta_min", o.eta_min, {.doc = "the lowest learning rate", .min = 0, .known_as = "min_lr"});
  describe_interval(v, o.interval);
}

void describe(FieldVisitor& v, train::LinearLROptions& o) {
  v.field("start_factor", o.start_factor, {.above = 0, .max = 1});
  v.field("end_factor", o.end_factor, {.min = 0, .max = 1});
  v.field("total_iters", o.total_iters, {.doc = "counts until end_factor", .min = 1});
  describe_interval(v, o.interval);
}

void describe(FieldVisitor& v, train::WarmupCosineOptions& o) {
  v.field("warmup_steps", o.warmup_steps,
          {.doc = "steps of rising linearly", .min = 0, .known_as = "warmup warmup_iters"});
  v.field("warmup_ratio", o.warmup_ratio,
          {.doc = "the same, as a part of the run", .min = 0, .max = 1, .known_as = "warmup_fraction pct_start"});
  v.field("eta_min", o.eta_min, {.doc = "the learning rate at the end", .min = 0, .known_as = "min_lr"});
  v.field("total_steps", o.total_steps,
          {.doc = "the step of the lowest rate; null for the run's last",
           .min = 1,
           .known_as = "lr_decay_iters max_steps"});
  v.check(!(o.warmup_steps && o.warmup_ratio), "warmup_ratio", "give warmup_steps or warmup_ratio, not both",
          {"warmup_steps"});
  v.check(!o.warmup_steps || !o.total_steps || *o.warmup_steps <= *o.total_steps, "warmup_steps",
          "warmup_steps must not exceed total_steps", {"total_steps"});
}

void describe(FieldVisitor& v, train::TrainerOptions& o) {
  v.field("epochs", o.epochs,
          {.doc = "how often to go over the training data",
           .min = 1,
           .known_as = "num_epochs max_epochs num_train_epochs n_epochs"});
  v.field("max_steps", o.max_steps,
          {.doc = "how many optimizer steps to make, instead of epochs",
           .min = 1,
           .known_as = "max_iters steps iterations max_iter num_steps"});
  v.check(!(o.epochs && o.max_steps), "max_steps", "give epochs or max_steps, not both", {"epochs"});
  v.check(o.epochs || o.max_steps, "epochs", "give epochs or max_steps", {"max_steps"});
  v.field("clip_grad_norm", o.clip_grad_norm,
          {.doc = "scale gradients down to this norm; null for never",
           .above = 0,
           .known_as = "grad_clip gradient_clip_val gradient_clip max_grad_norm clip_gradients clip"});
  v.field("nan_guard", o.nan_guard,
          {.doc = "end the run at a loss that is no finite number, before it reaches the weights"});
  v.field("val_every_steps", o.val_every_steps,
          {.doc = "validate so often; 0 for at the end of each epoch",
           .unit = "steps",
           .min = 0,
           .known_as = "eval_interval val_check_interval eval_steps val_interval validation_interval"});
  v.field("limit_val_batches", o.limit_val_batches,
          {.doc = "batches of a validation; null for all", .min = 1, .known_as = "eval_iters"});
  v.field("log_every_steps", o.log_every_steps,
          {.doc = "log the training loss so often",
           .unit = "steps",
           .min = 1,
           .known_as = "log_interval log_every_n_steps logging_steps"});
  v.field("monitor", o.monitor,
          {.doc = "the figure that chooses the best checkpoint; empty for val/accuracy, or else val/loss",
           .known_as = "save_best metric"});
  std::optional<std::string> mode;
  if (o.monitor_mode) mode = *o.monitor_mode == train::MonitorMode::kMin ? "min" : "max";
  v.field("monitor_mode", mode,
          {.doc = "whether less or more is better; null for more where it is an accuracy",
           .choices = {"min", "max"},
           .known_as = "mode"});
  o.monitor_mode.reset();
  if (mode) o.monitor_mode = *mode == "min" ? train::MonitorMode::kMin : train::MonitorMode::kMax;
}

void describe(FieldVisitor& v, train::CheckpointOptions& o) {
  v.field("every_steps", o.every_steps,
          {.doc = "save so often; 0 for after each validation",
           .unit = "steps",
           .min = 0,
           .known_as = "save_interval save_steps save_every"});
  v.field("keep_last", o.keep_last,
          {.doc = "how many of the latest checkpoints stay, beside the best",
           .min = 1,
           .known_as = "save_total_limit max_keep_ckpts save_top_k"});
}

void describe(FieldVisitor& v, train::LoggingOptions& o) {
  v.field("console_seconds", o.console_seconds,
          {.doc = "without a terminal, a line so often", .unit = "seconds", .min = 0});
  v.field("quiet", o.quiet, {.doc = "no progress, only the summary"});
}

}  // namespace remote::schema
