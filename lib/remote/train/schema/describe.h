#pragma once
#include <remote/data/options.h>
#include <remote/train/options.h>
#include <remote/train/schema/field_visitor.h>
#include <remote/train/task.h>

namespace remote::schema {

// The descriptions of the option structs of data and training, one each: names as a config has them, bounds, meaning.

void describe(FieldVisitor& visitor, data::IdxImagesOptions& options);
void describe(FieldVisitor& visitor, data::CharTextOptions& options);
void describe(FieldVisitor& visitor, data::BatchOptions& options);

void describe(FieldVisitor& visitor, train::CrossEntropyLossOptions& options);
void describe(FieldVisitor& visitor, train::NLLLossOptions& options);

void describe(FieldVisitor& visitor, train::SGDOptions& options);
void describe(FieldVisitor& visitor, train::AdamOptions& options);
void describe(FieldVisitor& visitor, train::AdamWOptions& options);
void describe(FieldVisitor& visitor, train::RMSpropOptions& options);
void describe(FieldVisitor& visitor, train::AdagradOptions& options);

void describe(FieldVisitor& visitor, train::ConstantScheduleOptions& options);
void describe(FieldVisitor& visitor, train::StepLROptions& options);
void describe(FieldVisitor& visitor, train::MultiStepLROptions& options);
void describe(FieldVisitor& visitor, train::ExponentialLROptions& options);
void describe(FieldVisitor& visitor, train::CosineAnnealingLROptions& options);
void describe(FieldVisitor& visitor, train::LinearLROptions& options);
void describe(FieldVisitor& visitor, train::WarmupCosineOptions& options);

void describe(FieldVisitor& visitor, train::TrainerOptions& options);
void describe(FieldVisitor& visitor, train::CheckpointOptions& options);
void describe(FieldVisitor& visitor, train::LoggingOptions& options);

}  // namespace remote::schema
