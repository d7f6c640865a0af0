#include <remote/train/console.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace remote::train {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int64_t kWidestBar = 24;
constexpr int64_t kNarrowestBar = 8;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string figures(const MetricValues& values) {
  std::string text;
  for (const auto& [name, value] : values) text += (text.empty() ? "" : "  ") + name + " " + format("%.4g", value);
  return text;
}

/// At least three digits, and never an exponent that nobody reads: "0.125", "47.3", "1180".
std::string rate_text(double per_second) { return format(per_second < 100 ? "%.3g" : "%.0f", per_second); }

std::string duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (whole < 60) return format("%llds", whole);
  if (whole < 3600) return format("%lldm%02llds", whole / 60, whole % 60);
  return format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
}

/// "1,234,567"
std::string grouped(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

int columns(std::FILE* stream) {
  winsize size{};
  return ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ConsoleReporter::Style ConsoleReporter::Style::detect() {
  const char* terminal = std::getenv("TERM");
  Style style;
  style.redraws = ::isatty(::fileno(stderr)) && !is_set("CI") && terminal && std::string_view(terminal) != "dumb";
  style.colors = style.redraws && !is_set("NO_COLOR");
  return style;
}

ConsoleReporter::ConsoleReporter(LoggingOptions options, Style style)
    : options_(options), style_(style), began_(Clock::now()), shown_(began_) {}

void ConsoleReporter::on_start(const RunInfo& info) {
  info_ = info;
  began_ = shown_ = done_at_ = Clock::now();
  done_ = info.first_step;
  std::string text = info.first_step > 0 ? format("resuming after step %lld", static_cast<long long>(info.first_step))
                                         : std::string("training");
  text += " on " + info.device + ": " + grouped(info.parameters) + " parameters, " + grouped(info.total_steps) +
          " steps, " + grouped(info.steps_per_epoch) + " to an epoch";
  if (info.first_step >= info.total_steps) {
    text += "; nothing is left to train, raise trainer.epochs or trainer.max_steps to go on";
  }
  print_line(text);
}

std::string ConsoleReporter::progress() const {
  const int64_t epoch = (done_ - 1) / std::max<int64_t>(info_.steps_per_epoch, 1) + 1;
  std::string text =
      "epoch " + std::to_string(epoch) + "  step " + std::to_string(done_) + "/" + std::to_string(info_.total_steps);
  if (!latest_.empty()) text += "  " + latest_;
  if (done_ == info_.first_step) return text;
  const double spent = std::chrono::duration<double>(done_at_ - began_).count();
  const double rate = static_cast<double>(done_ - info_.first_step) / std::max(spent, 1e-9);
  return text + "  " + rate_text(rate) + " steps/s  " +
         duration(static_cast<double>(info_.total_steps - done_) / std::max(rate, 1e-9)) + " left";
}

std::string ConsoleReporter::bar(int64_t width) const {
  if (width < kNarrowestBar) return "";
  const int64_t done = width * done_ / std::max<int64_t>(info_.total_steps, 1);
  const std::string filled(static_cast<size_t>(done), '='), empty(static_cast<size_t>(width - done), ' ');
  return style_.colors ? "[\x1b[32m" + filled + "\x1b[0m" + empty + "] " : "[" + filled + empty + "] ";
}

void ConsoleReporter::on_done(int64_t step) {
  done_ = step;
  done_at_ = Clock::now();
}

void ConsoleReporter::on_step(int64_t /*step*/) {
  if (options_.quiet) return;
  const auto now = Clock::now();
  if (style_.redraws) {
    if (now - shown_ < kRedrawEvery) return;
    // A line that wraps could not be drawn over; the bar has what the figures leave.
    const std::string text = progress().substr(0, static_cast<size_t>(columns(style_.stream) - 1));
    const int64_t room = columns(style_.stream) - 4 - static_cast<int64_t>(text.size());
    std::fprintf(style_.stream, "\r\x1b[K%s%s", bar(std::min(room, kWidestBar)).c_str(), text.c_str());
    std::fflush(style_.stream);
    bar_is_shown_ = true;
  } else {
    if (std::chrono::duration<double>(now - shown_).count() < options_.console_seconds) return;
    print_line(progress());
  }
  shown_ = now;
}

void ConsoleReporter::on_metrics(const MetricRecord& record) {
  if (!std::any_of(record.values.begin(), record.values.end(),
                   [](const auto& entry) { return entry.first.starts_with("val/"); })) {
    latest_ = figures(record.values);
    return;
  }
  print_line("epoch " + std::to_string(record.epoch) + "  step " + std::to_string(record.step) + "  " +
             figures(record.values));
}

void ConsoleReporter::on_finish(const RunResult& result) {
  if (bar_is_shown_) std::fputs("\r\x1b[K", style_.stream);
  bar_is_shown_ = false;
  if (result.status == RunStatus::kFailed) return;  // the error itself is said by who ends the program
  std::fputs(describe(result).c_str(), style_.stream);
  std::fflush(style_.stream);
}

void ConsoleReporter::print_line(const std::string& text) {
  if (options_.quiet) return;
  std::fprintf(style_.stream, "%s%s\n", bar_is_shown_ ? "\r\x1b[K" : "", text.c_str());
  std::fflush(style_.stream);
  bar_is_shown_ = false;
}

std::string describe(const RunResult& result) {
  std::string text = format("%s: %lld steps (%.4g epochs) in %s", run_status_name(result.status),
                            static_cast<long long>(result.steps), result.epochs(), duration(result.seconds).c_str());
  if (result.examples_per_second > 0) text += ", " + rate_text(result.examples_per_second) + " examples/s";
  text += "\n";
  if (!result.metrics.empty()) text += "  " + figures(result.metrics) + "\n";
  if (result.best) {
    text += "  best " + result.best->metric + " " + format("%.4g", result.best->value) + " after step " +
            std::to_string(result.best->step) + "\n";
  }
  if (!result.checkpoint.empty()) text += "  checkpoint " + result.checkpoint.string() + "\n";
  return text;
}

}  // namespace remote::train
