#pragma once

/// All there is for coroutines: the task, what runs it, and the co_await forms of append, read,
/// notify_past, load, execute and transact.
#include "annals/await/category.h"
#include "annals/await/store.h"
#include "annals/run_task.h"
#include "annals/task.h"
