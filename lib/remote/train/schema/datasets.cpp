#include <remote/train/schema/datasets.h>

#include <remote/data/char_text.h>
#include <remote/data/idx_images.h>
#include <remote/train/schema/describe.h>

namespace remote::schema {
namespace {

constexpr const char* kCharText = "CharText";

/// The keys of `data:` beside its type.
template <class Options>
struct DataFields {
  Options source;
  data::BatchOptions batches;
};

template <class Options>
void add_dataset(DatasetRegistry& registry, const char* name, const char* doc,
                 std::initializer_list<std::string_view> aliases = {}) {
  registry.add(
      name, doc, DataFields<Options>(),
      [](FieldVisitor& v, DataFields<Options>& o) {
        describe(v, o.source);
        describe(v, o.batches);
      },
      [](const DataFields<Options>& o) {
        return DataSource{[source = o.source](c10::Device device) { return data::load(source, device); }, o.batches};
      },
      aliases);
}

}  // namespace

void register_datasets(DatasetRegistry& registry) {
  add_dataset<data::IdxImagesOptions>(registry, "FashionMNIST",
                                      "grey images and labels in IDX files; by default Debian's dataset-fashion-mnist",
                                      {"IdxImages"});
  add_dataset<data::CharTextOptions>(registry, kCharText, "a text file, character by character");
}

std::optional<int64_t> sequence_length(const Component& dataset) {
  if (!dataset || dataset.type->name != kCharText) return std::nullopt;
  return options_of<DataFields<data::CharTextOptions>>(dataset).source.block_size;
}

}  // namespace remote::schema
