#include <remote/client/call_sites.h>

#define BACKWARD_HAS_DW 1
#include <dlfcn.h>
#include <torch/csrc/profiler/combined_traceback.h>
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
       {"libtorch", "libc10", "libstdc++", "libc.so", "libpthread", "libgomp", "libremotetorch", "ld-linux"}) {
    if (file.starts_with(prefix)) return true;
  }
  return false;
}

/// The same of a source file: headers whose code stands inlined in the program's, and Python's files of torch.
bool is_librarys_source(std::string_view file) {
  for (const std::string_view part :
       {"/include/torch/", "/include/ATen/", "/include/c10/", "/include/c++/", "/include/remote/", "lib/remote/",
        "/torch/nn/", "/torch/csrc/", "/torch/autograd/", "/torch/optim/", "/torch/utils/", "/torch/_",
        "/torch/func"}) {
    if (file.find(part) != file.npos) return true;
  }
  return file.starts_with("<");  // text that was run, as this library's own Python
}

std::string text_of(std::string_view file, uint64_t line, const std::string& function) {
  return std::string(file) + ":" + std::to_string(line) + " in " + function;
}

std::string text_without_line(const backward::ResolvedTrace& frame) {
  char address[32];
  std::snprintf(address, sizeof address, "%p", frame.addr);
  const std::string function = frame.object_function.empty() ? address : frame.object_function;
  return function + " in " + frame.object_filename + " (compile with -g to see the line)";
}

/// Collects the calls that are shown.
class Calls {
 public:
  bool full() const { return count_ == kFramesShown; }
  void add(const std::string& call) {
    if (full() || call == last_) return;
    text_ += (count_++ == 0 ? "" : ", from ") + call;
    last_ = call;
  }
  std::string text() && { return std::move(text_); }

 private:
  size_t count_ = 0;
  std::string text_, last_;
};

/// False once the Python of this process, if there is one, has ended.
bool python_lives() {
  static const auto is_initialized = reinterpret_cast<int (*)()>(::dlsym(RTLD_DEFAULT, "Py_IsInitialized"));
  return is_initialized != nullptr && is_initialized() != 0;
}

std::string describe_python(torch::CapturedTraceback& trace) {
  if (!python_lives()) return "";
  Calls calls;
  for (const auto& frame : torch::symbolize({&trace}).all_frames) {
    if (!is_librarys_source(frame.filename)) calls.add(text_of(frame.filename, frame.lineno, frame.funcname));
  }
  return std::move(calls).text();
}

std::string describe_native(const backward::StackTrace& trace) {
  backward::TraceResolver resolver;
  resolver.load_stacktrace(trace);
  Calls calls;
  for (size_t i = 0; i < trace.size() && !calls.full(); ++i) {
    const auto frame = resolver.resolve(trace[i]);
    if (is_library(frame.object_filename)) continue;
    if (frame.source.filename.empty()) {
      calls.add(text_without_line(frame));
      continue;
    }
    // backward-cpp names each inlined function beside the place of its call, and the outermost one first.
    const auto& inliners = frame.inliners;
    for (size_t k = 0; k <= inliners.size(); ++k) {
      const auto& place = k == 0 ? frame.source : inliners[k - 1];
      const std::string& function = k == inliners.size() ? frame.source.function : inliners[k].function;
      if (!is_librarys_source(place.filename)) calls.add(text_of(place.filename, place.line, function));
    }
  }
  return std::move(calls).text();
}

}  // namespace

struct CallSites::Site {
  uint64_t sequence = 0;
  backward::StackTrace native;
  std::shared_ptr<torch::CapturedTraceback> python;
};

CallSites::CallSites() = default;
CallSites::~CallSites() = default;

CallSites::Here CallSites::here() {
  auto site = std::make_shared<Site>();
  site->native.load_here(kFramesKept);
  site->python = torch::CapturedTraceback::gather(/*python=*/true, /*script=*/false, /*cpp=*/false);
  return site;
}

void CallSites::note(uint64_t sequence, Here here) {
  here->sequence = sequence;
  std::lock_guard lock(mutex_);
  sites_.push_back(std::move(here));
}

std::string CallSites::describe(uint64_t sequence) {
  Here site;
  {
    std::lock_guard lock(mutex_);
    if (const auto known = described_.find(sequence); known != described_.end()) return known->second;
    const auto found =
        std::find_if(sites_.begin(), sites_.end(), [&](const auto& noted) { return noted->sequence == sequence; });
    if (found == sites_.end()) return "";
    site = *found;
  }
  // Without the lock: Python's frames are read with the GIL held.
  std::string text = describe_python(*site->python);
  if (text.empty()) text = describe_native(site->native);
  std::lock_guard lock(mutex_);
  if (described_.size() >= kDescriptionsKept) described_.erase(described_.begin());
  described_.emplace(sequence, text);
  return text;
}

void CallSites::forget(uint64_t executed) {
  std::lock_guard lock(mutex_);
  while (!sites_.empty() && sites_.front()->sequence <= executed) sites_.pop_front();
}

}  // namespace remote::client
