#include "benchmarks/report.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include <remote/train/files.h>

#include "benchmarks/machine.h"

namespace remote::bench {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json& line = rows.emplace_back(Json::object());
    for (size_t i = 0; i < row.size(); ++i) {
      line[table.columns[i]] = row[i].number ? Json(*row[i].number) : Json(row[i].text);
    }
  }
  Json verdicts = Json::array();
  for (const Verdict& verdict : table.verdicts) {
    verdicts.push_back({{"what", verdict.what},
                        {"measured", verdict.measured},
                        {verdict.bound == Verdict::Bound::kAtMost ? "at most" : "at least", verdict.budget},
                        {"kept", verdict.kept()}});
  }
  return {{"title", table.title}, {"rows", rows}, {"notes", table.notes}, {"verdicts", verdicts}};
}

}  // namespace

Report::Report(std::string command_line) : command_line_(std::move(command_line)), machine_(describe_machine()) {
  for (const auto& [what, value] : machine_) std::cout << "- " << what << ": " << value << "\n";
  std::cout << "- command: " << command_line_ << "\n" << std::flush;
}

void Report::add(Table table) {
  std::cout << "\n" << table.to_text() << std::flush;
  tables_.push_back(std::move(table));
}

void Report::print_verdicts() const {
  std::vector<std::vector<std::string>> rows{{"budget", "measured", "allowed", ""}};
  for (const Table& table : tables_) {
    for (const Verdict& verdict : table.verdicts) {
      rows.push_back({verdict.what, format_number(verdict.measured, 3),
                      (verdict.bound == Verdict::Bound::kAtMost ? "<= " : ">= ") + format_number(verdict.budget, 2),
                      verdict.kept() ? "kept" : "MISSED"});
    }
  }
  if (rows.size() > 1) std::cout << "\n## Budget\n\n" << format_rows(rows) << std::flush;
}

void Report::write_json(const std::string& path) const {
  Json root = {{"command", command_line_}, {"machine", Json::object()}, {"tables", Json::object()}};
  for (const auto& [what, value] : machine_) root["machine"][what] = value;
  for (const Table& table : tables_) root["tables"][table.name] = to_json(table);
  train::replace_file(path, root.dump(2) + "\n");
}

}  // namespace remote::bench
