#include <remote/client/call_sites.h>

#define BACKWARD_HAS_DW 1
#include <backward.hpp>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace remote::client {
namespace {

constexpr size_t kFramesKept = 48;
constexpr size_t kFramesShown = 3;
constexpr size_t kDescriptionsKept = 1024;

/// Whether code belongs to what a program is built on and not to the program.
bool is_library(std::string_view object) {
  const std::string_view file = object.substr(object.rfind('/') + 1);
  for (const std::string_view prefix :
       {"libtorch", "libc10", "libstdc++", "libc.so", "libpthread", "libgomp", "libremotetorch"}) {
    if (file.starts_with(prefix)) return true;
  }
  return false;
}

std::string text_of(const backward::ResolvedTrace& frame) {
  const backward::ResolvedTrace::SourceLoc& source = frame.source;
  if (!source.filename.empty()) return source.filename + ":" + std::to_string(source.line) + " in " + source.function;
  char address[32];
  std::snprintf(address, sizeof address, "%p", frame.addr);
  const std::string function = frame.object_function.empty() ? address : frame.object_function;
  return function + " in " + frame.object_filename + " (compile with -g to see the line)";
}

}  // namespace

struct CallSites::Site {
  uint64_t sequence;
  backward::StackTrace trace;
};

CallSites::CallSites() = default;
CallSites::~CallSites() = default;

void CallSites::note(uint64_t sequence) {
  auto site = std::make_unique<Site>();
  site->sequence = sequence;
  site->trace.load_here(kFramesKept);
  std::lock_guard lock(mutex_);
  sites_.push_back(std::move(site));
}

std::string CallSites::describe(uint64_t sequence) {
  std::lock_guard lock(mutex_);
  if (const auto known = described_.find(sequence); known != described_.end()) return known->second;
  const auto found =
      std::find_if(sites_.begin(), sites_.end(), [&](const auto& site) { return site->sequence == sequence; });
  if (found == sites_.end()) return "";
  backward::TraceResolver resolver;
  resolver.load_stacktrace((*found)->trace);
  std::string text;
  size_t shown = 0;
  for (size_t i = 0; i < (*found)->trace.size() && shown < kFramesShown; ++i) {
    const auto frame = resolver.resolve((*found)->trace[i]);
    if (is_library(frame.object_filename)) continue;
    text += (shown++ == 0 ? "" : ", from ") + text_of(frame);
  }
  if (described_.size() >= kDescriptionsKept) described_.erase(described_.begin());
  described_.emplace(sequence, text);
  return text;
}

void CallSites::forget(uint64_t executed) {
  std::lock_guard lock(mutex_);
  while (!sites_.empty() && sites_.front()->sequence <= executed) sites_.pop_front();
}

}  // namespace remote::client
