#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace remote {

/// Names the part of the program that runs, for as long as it lives: ops recorded meanwhile carry the name, and an
/// error of the worker says it ("layer net.fc2"). Scopes nest per thread: NameScope("net") around NameScope("fc2")
/// gives "net.fc2".
///
/// Costs nothing on the wire until an op is recorded under a name that was not sent before. Not movable; create and
/// destroy on one thread.
class NameScope {
 public:
  explicit NameScope(std::string_view name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

  /// The dotted path of the calling thread's open scopes, or "".
  static const std::string& current();
  /// A number that stands for current() in this process; 0 for "".
  static uint32_t current_id();
  /// The node of autograd's whose backward pass opened current(); null when it was opened outside of one.
  static const void* opened_in_node();
  /// The dotted path that `id` stands for; "" for 0 or an id that was never given out.
  static std::string path_of(uint32_t id);
  /// The number that stands for a path.
  static uint32_t id_of(const std::string& path);
  /// The scope that was open on a thread, by its number in torch::autograd::Node::thread_id(), when it made the node of
  /// autograd's with this sequence number. 0 when none was, when the thread has ended, and for a node that is older
  /// than the thread's last 16384 changes of scope.
  static uint32_t id_at(uint64_t thread, uint64_t sequence_nr);

 private:
  size_t parent_length_;
  uint32_t parent_id_;
  const void* parents_node_;
};

}  // namespace remote
