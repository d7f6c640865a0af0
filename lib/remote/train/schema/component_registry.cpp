#include <remote/train/schema/component_registry.h>

#include <cctype>

namespace remote::schema {

std::string ComponentRegistry::normalised(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (c != '_' && c != '-') result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

const ComponentType* ComponentRegistry::find(std::string_view name) const {
  auto found = by_name_.find(normalised(name));
  return found == by_name_.end() ? nullptr : found->second;
}

Component ComponentRegistry::make(std::string_view name) const {
  const ComponentType* type = find(name);
  if (!type) throw std::invalid_argument("there is no " + kind_ + " '" + std::string(name) + "'");
  return {type, type->make_options(), {}, {}};
}

const ComponentType& ComponentRegistry::add_type(ComponentType type, std::initializer_list<std::string_view> aliases) {
  const ComponentType& stored = types_.emplace_back(std::move(type));
  auto enter = [&](std::string_view name) {
    if (!by_name_.emplace(normalised(name), &stored).second) {
      throw std::logic_error("two " + kind_ + " types answer to '" + std::string(name) + "'");
    }
  };
  enter(stored.name);
  for (std::string_view alias : aliases) enter(alias);
  return stored;
}

}  // namespace remote::schema
