#pragma once
#include <filesystem>
#include <string>

namespace remote::app {

/// Where a new run goes: `output` where one is given, else runs/<name>-<number>, with the first number that is free;
/// that folder is made, so that two runs that begin at once get two. Throws UsageError where `output` holds a run
/// already. Whether it can be written is for train::RunFolder to find out.
std::filesystem::path choose_run_folder(const std::string& output, const std::string& name);

/// The configuration of an existing run. Throws UsageError when the folder holds none.
std::string config_of_run(const std::string& folder);

}  // namespace remote::app
