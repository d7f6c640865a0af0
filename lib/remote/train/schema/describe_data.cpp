#include <remote/train/schema/describe.h>

namespace remote::schema {

void describe(FieldVisitor& v, data::IdxImagesOptions& o) {
  v.field("path", o.path, {.doc = "the folder that has the four files", .known_as = "root dir data_dir folder"});
  v.field("train_images", o.train_images, {.doc = "IDX file, plain or gzipped"});
  v.field("train_labels", o.train_labels, {.doc = "IDX file, plain or gzipped"});
  v.field("test_images", o.test_images, {.doc = "IDX file, plain or gzipped; validation reads it too"});
  v.field("test_labels", o.test_labels, {.doc = "IDX file, plain or gzipped"});
  v.field("mean", o.mean, {.doc = "a pixel x of 0 to 255 becomes (x / 255 - mean) / std"});
  v.field("std", o.std, {.doc = "see mean", .above = 0});
  v.field("num_classes", o.num_classes,
          {.doc = "labels are 0 to num_classes - 1", .min = 1, .max = 256, .known_as = "classes"});
}

void describe(FieldVisitor& v, data::CharTextOptions& o) {
  v.field("path", o.path, {.doc = "any UTF-8 text file", .known_as = "file root data_dir"});
  v.field(
      "block_size", o.block_size,
      {.doc = "characters of one example", .min = 1, .known_as = "context_length seq_len sequence_length max_seq_len"});
  v.field("val_fraction", o.val_fraction,
          {.doc = "the part of the text, at its end, that is for validation", .above = 0, .below = 1});
}

void describe(FieldVisitor& v, data::BatchOptions& o) {
  v.field("batch_size", o.batch_size,
          {.doc = "examples of a training step", .min = 1, .known_as = "batch micro_batch_size train_batch_size"});
  v.field("val_batch_size", o.val_batch_size,
          {.doc = "examples of a validation batch; 0 for as many as in training",
           .min = 0,
           .known_as = "eval_batch_size test_batch_size"});
  v.field("shuffle", o.shuffle, {.doc = "a new order in each epoch"});
  v.field("drop_last", o.drop_last, {.doc = "leave out an epoch's last batch when it is incomplete"});
}

}  // namespace remote::schema
