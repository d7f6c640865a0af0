#pragma once
#include <remote/train/schedule.h>
#include <remote/train/schema/component_registry.h>

namespace remote::schema {

/// Learning rate schedules, by torch.optim.lr_scheduler's names and keywords.
using SchedulerRegistry = Registry<train::LrSchedule, const train::ScheduleContext&>;

void register_schedulers(SchedulerRegistry& registry);

}  // namespace remote::schema
