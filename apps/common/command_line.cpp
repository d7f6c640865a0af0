#include "apps/common/command_line.h"

#include <CLI/CLI.hpp>

#include <iostream>

#include "apps/common/exit_code.h"
#include "apps/common/requirement.h"
#include "apps/common/version.h"
#include "apps/config/overrides.h"

namespace remote::app {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 the run failed or a --require was missed; 2 wrong usage or configuration;\n"
    "129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM. rt-train saves a checkpoint first; a second signal\n"
    "ends it at once, without.";

template <class Arguments>
void add_common(CLI::App& app, Arguments& a, const std::string& program) {
  app.set_version_flag("--version", program + " " + version_text());
  app.add_option(
         "--worker", a.worker,
         "host:port, [::1]:port or unix:/path of an rt-worker; embedded (the default) for one in this process, or "
         "embedded:cpu, embedded:cuda:0; none for plain LibTorch without a worker")
      ->type_name("ADDRESS");
  app.add_option("--credential-file", a.credential_file,
                 "Shows the worker this file's first line, for one that was started with a --credential-file")
      ->type_name("FILE");
  app.add_option("--threads", a.threads, "Threads of this process's computing")->check(CLI::Range(1, 4096));
  app.add_option(
         "--require", a.require,
         "Exit with 1 unless this holds at the end, e.g. 'val/accuracy>=0.85'; also with >, <=, <, ==; repeatable")
      ->type_name("METRIC>=NUMBER")
      ->allow_extra_args(false);
  app.add_option("overrides", a.overrides,
                 "section.key=value sets what the configuration says; ~section.key removes it")
      ->type_name("KEY=VALUE");
  app.footer(kExitCodes);
}

/// Runs CLI11 and gives its exceptions our exit codes. `check` returns what is wrong with the combination, or "".
template <class Check>
std::optional<int> parse(CLI::App& app, int argc, const char* const* argv, const std::string& program, Check check) {
  std::string problem;
  try {
    app.parse(argc, argv);
    problem = check();
  } catch (const CLI::Success& success) {
    return app.exit(success), kExitDone;
  } catch (const CLI::ParseError& error) {
    problem = error.what();
  }
  if (problem.empty()) return std::nullopt;
  std::cerr << program << ": " << problem << "\n" << "Try '" << program << " --help'.\n";
  return kExitUsage;
}

std::string check_overrides(const std::vector<std::string>& overrides) {
  for (const std::string& argument : overrides) {
    if (config::is_override(argument)) continue;
    bool file = argument.ends_with(".yaml") || argument.ends_with(".yml");
    return "expected section.key=value, got '" + argument + "'" +
           (file ? "; did you mean --config " + argument + "?" : "");
  }
  return {};
}

std::string check_requirements(const std::vector<std::string>& requirements) {
  for (const std::string& text : requirements) {
    try {
      parse_requirement(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  }
  return {};
}

std::string first_problem(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace

std::optional<int> parse_command_line(int argc, const char* const* argv, TrainArguments& a) {
  CLI::App app("Trains the model that a YAML file describes, on a worker.", "rt-train");
  app.add_option("--config", a.config, "The YAML file that describes the run")->type_name("FILE");
  app.add_option("--output", a.output,
                 "The run folder; by default a new one, runs/<name of the config>[-smoke]-<number>")
      ->type_name("DIR");
  app.add_option("--resume", a.resume,
                 "Go on with the run of this folder, by its own config.yaml unless --config names another")
      ->type_name("DIR");
  app.add_flag("--smoke", a.smoke, "A whole run in miniature: a few batches, a checkpoint saved and read back");
  app.add_flag("--check", a.check, "Check the configuration, read the data, try one batch, and end");
  app.add_flag("--print-config", a.print_config, "Print the configuration with all defaults, and end");
  app.add_flag("--stats", a.stats, "Print what each step cost: operations, messages, bytes, synchronisations");
  std::string topic;
  auto* help =
      app.add_option("--help-config", topic, "Explain the configuration, or one section, layer, optimizer, ... of it")
          ->type_name("NAME")
          ->expected(0, 1);
  add_common(app, a, "rt-train");
  return parse(app, argc, argv, "rt-train", [&] {
    if (help->count() > 0) {
      a.help_config = topic;
      return std::string();
    }
    return first_problem(
        {a.config.empty() && a.resume.empty() ? "expected --config FILE (or --resume DIR)" : "",
         !a.resume.empty() && !a.output.empty() ? "--resume goes on in the run's own folder; leave --output out" : "",
         !a.resume.empty() && a.smoke ? "--smoke is a run of its own; leave --resume out" : "",
         check_requirements(a.require), check_overrides(a.overrides)});
  });
}

std::optional<int> parse_command_line(int argc, const char* const* argv, EvalArguments& a) {
  CLI::App app("Evaluates a trained model.", "rt-eval");
  app.add_option("--run", a.run, "A run folder of rt-train; its best checkpoint is taken, or else its last")
      ->type_name("DIR");
  app.add_option("--config", a.config, "The YAML file that describes the model and the data")->type_name("FILE");
  app.add_option("--weights", a.weights, "A safetensors file, in place of the run's best checkpoint")
      ->type_name("FILE");
  app.add_option("--split", a.split, "Which part of the data, all of it")->check(CLI::IsMember({"train", "val"}));
  add_common(app, a, "rt-eval");
  return parse(app, argc, argv, "rt-eval", [&] {
    return first_problem(
        {a.run.empty() && a.config.empty() ? "expected --run DIR, or --config FILE and --weights FILE" : "",
         a.run.empty() && a.weights.empty() ? "expected --weights FILE beside --config FILE" : "",
         !a.run.empty() && !a.config.empty() ? "give --run or --config, not both" : "", check_requirements(a.require),
         check_overrides(a.overrides)});
  });
}

}  // namespace remote::app
