// Random trees of scopes, groups, races and for-eaches, with random failures, cancellations and
// deadlines, in random orders, beside a slow and obvious model: a list of everything that ever
// cancelled a scope. Whatever happens,
//   - no child outlives its group, and every fiber ends;
//   - what comes out of a group is its first failure;
//   - a sleep ends early exactly when the model says so, at that very time;
//   - each scope's cause, and the way it came, are what the model says.
//
// WEFT_STRESS_SEEDS=10000 tries more; see testing/seeds.h for how to run one of them again.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/for_each.h"
#include "platform/fiber/race.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// --- The model ---------------------------------------------------------------------------------

struct ModelScope {
  const ModelScope* parent = nullptr;  // null: a root, or behind a shield
  std::string name;
  absl::Time deadline = absl::InfiniteFuture();

  struct Cancelled {
    absl::Time when;
    int turn = 0;  // of several at the same time
    CancelCause cause = CancelCause::kNone;
  };
  std::optional<Cancelled> cancelled;  // the first Cancel() of it
};

struct ModelReason {
  absl::Time when;
  int turn = 0;  // deadlines come before every call of that time
  CancelCause cause = CancelCause::kNone;
  const ModelScope* origin = nullptr;
};

// Whatever came first, here or in a scope round it; of equal deadlines the outermost.
std::optional<ModelReason> WhyCancelled(const ModelScope& scope, absl::Time now) {
  std::optional<ModelReason> first;
  const auto consider = [&first](const ModelReason& reason) {
    if (!first.has_value() ||
        std::pair(reason.when, reason.turn) <= std::pair(first->when, first->turn)) {
      first = reason;
    }
  };
  for (const ModelScope* it = &scope; it != nullptr; it = it->parent) {
    if (it->deadline <= now) consider({it->deadline, 0, CancelCause::kDeadline, it});
    if (it->cancelled.has_value()) {
      consider({it->cancelled->when, it->cancelled->turn, it->cancelled->cause, it});
    }
  }
  return first;
}

std::string Describe(CancelCause cause, absl::Time when, const std::string& names) {
  return absl::StrCat(CancelCauseLabel(cause), " at ", absl::ToUnixMicros(when), names);
}

std::string ChainOf(const ModelScope& scope) {
  const std::optional<ModelReason> why = WhyCancelled(scope, weft::Now());
  if (!why.has_value()) return "";
  std::string names;
  for (const ModelScope* it = &scope;; it = it->parent) {
    names = absl::StrCat(" '", it->name, "'", names);
    if (it == why->origin) return Describe(why->cause, why->when, names);
  }
}

std::string ChainOf(const CancelScope& scope) {
  const std::vector<CancelReason> chain = scope.chain();
  if (chain.empty()) return "";
  std::string names;
  for (const CancelReason& reason : chain) absl::StrAppend(&names, " '", reason.scope, "'");
  EXPECT_EQ(chain[0].cause, scope.cause());
  return Describe(chain[0].cause, chain[0].when, names);
}

// --- The program -------------------------------------------------------------------------------

class RandomProgram {
 public:
  explicit RandomProgram(uint64_t seed) : random_(static_cast<unsigned>(seed) + 1) {}

  void Run() {
    ModelScope& model = NewScope(nullptr, "root", absl::InfiniteFuture());
    CancelScope root({.name = model.name.c_str()});
    cancels_.push_back({&model, [&root](CancelCause cause) { root.Cancel(cause, "by chance"); }});
    Block(model, 0);
    cancels_.pop_back();
    EXPECT_EQ(children_, 0);
  }

 private:
  static constexpr int kMaxDepth = 4;

  // A scope that some fiber has open, for others to cancel.
  struct Cancellable {
    ModelScope* model;
    std::function<void(CancelCause cause)> cancel;
  };

  // Children of one group, race or for-each.
  struct Family {
    ModelScope& scope;
    int alive = 0;
    std::vector<absl::Status> failures = {};  // in the order in which they came
    int successes = 0;
  };

  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool OneIn(int n) { return Below(n) == 0; }
  absl::Duration SomeTime() { return absl::Milliseconds(1 + Below(20)); }

  ModelScope& NewScope(const ModelScope* parent, const char* kind, absl::Time deadline) {
    const std::string name =
        *kind == '\0' ? "" : absl::StrCat(kind, " ", static_cast<int>(scopes_.size()));
    return scopes_.emplace_back(ModelScope{parent, name, deadline, {}});
  }

  void NoteCancel(ModelScope& scope, CancelCause cause) {
    if (!scope.cancelled.has_value()) scope.cancelled = {weft::Now(), ++turns_, cause};
  }

  void ExpectChain(const CancelScope& scope, const ModelScope& model) {
    EXPECT_EQ(ChainOf(scope), ChainOf(model));
  }

  // Some random acts in the scope `model`, which is the fiber's innermost.
  void Block(ModelScope& model, int depth) {
    for (int acts = 1 + Below(4); acts > 0 && fuel_ > 0; --acts) {
      --fuel_;
      switch (Below(depth < kMaxDepth ? 9 : 4)) {
        case 0:
          Yield();
          break;
        case 1:
        case 2:
          Sleep(model).IgnoreError();
          break;
        case 3:
          if (OneIn(3)) CancelSomething();
          break;
        case 4:
          InnerScope(model, depth);
          break;
        case 5:
        case 6:
          Group(model, depth);
          break;
        case 7:
          RunRace(model, depth);
          break;
        case 8:
          RunForEach(model, depth);
          break;
      }
      ExpectChain(*CancelScope::Current(), model);
    }
  }

  absl::Status Sleep(const ModelScope& model) {
    const absl::Time begin = weft::Now();
    const absl::Time end = begin + SomeTime();
    absl::Status status = weft::SleepUntil(end);
    const absl::Time now = weft::Now();
    const std::optional<ModelReason> why = WhyCancelled(model, now);
    if (status.ok()) {
      EXPECT_EQ(now, end);
      EXPECT_TRUE(!why.has_value() || why->when >= end) << "a cancellation was not felt";
    } else if (!why.has_value()) {
      ADD_FAILURE() << "ended early for no reason: " << status;
    } else {
      EXPECT_EQ(now, std::max(begin, why->when));
      EXPECT_EQ(status.code(), why->cause == CancelCause::kDeadline
                                   ? absl::StatusCode::kDeadlineExceeded
                                   : absl::StatusCode::kCancelled);
    }
    return status;
  }

  void CancelSomething() {
    static constexpr CancelCause kCauses[] = {CancelCause::kClientGone, CancelCause::kDrain,
                                              CancelCause::kOverload, CancelCause::kByHand};
    // Rarely the outermost ones: little would be left to test.
    const int newest = static_cast<int>(cancels_.size()) - 1;
    const int chosen = std::max(Below(newest + 1), Below(newest + 1));
    const CancelCause cause = kCauses[Below(4)];
    NoteCancel(*cancels_[static_cast<size_t>(chosen)].model, cause);
    cancels_[static_cast<size_t>(chosen)].cancel(cause);
  }

  // Opened by `model`'s fiber, closed when the returned value dies.
  auto Announce(ModelScope& model, std::function<void(CancelCause)> cancel) {
    cancels_.push_back({&model, std::move(cancel)});
    return std::shared_ptr<void>(nullptr, [this, &model](void*) {
      std::erase_if(cancels_, [&](const Cancellable& it) { return it.model == &model; });
    });
  }

  absl::Time MaybeDeadline() {
    return OneIn(3) ? weft::Now() + SomeTime() : absl::InfiniteFuture();
  }

  void InnerScope(ModelScope& around, int depth) {
    const bool shield = OneIn(4);
    ModelScope& model = NewScope(shield ? nullptr : &around, "scope", MaybeDeadline());
    CancelScope scope({.deadline = model.deadline, .shield = shield, .name = model.name.c_str()});
    const auto open = Announce(model, [&](CancelCause cause) { scope.Cancel(cause, "by chance"); });
    Block(model, depth + 1);
  }

  // What a child does: a block, and then one of the ways to end.
  absl::Status Child(Family& family, int depth) {
    ++family.alive;
    ++children_;
    absl::Status status;
    ModelScope& model = family.scope;
    ExpectChain(*CancelScope::Current(), model);
    Block(model, depth + 1);
    if (OneIn(3)) status = Sleep(model);
    if (OneIn(5)) status = absl::AbortedError(absl::StrCat("failure ", ++failures_));
    --family.alive;
    --children_;
    if (OneIn(8)) {
      const std::string text = absl::StrCat("exception ", ++failures_);
      family.failures.push_back(absl::InternalError("a task threw an exception: " + text));
      throw std::runtime_error(text);
    }
    (status.ok() ? void(++family.successes) : family.failures.push_back(status));
    return status;
  }

  void Group(ModelScope& around, int depth) {
    const bool shield = OneIn(6);
    const OnFailure policy = OneIn(3) ? OnFailure::kWaitForAll : OnFailure::kCancelSiblings;
    Family family{NewScope(shield ? nullptr : &around, "group", MaybeDeadline())};
    {
      TaskGroup group({.deadline = family.scope.deadline,
                       .shield = shield,
                       .name = family.scope.name.c_str(),
                       .on_failure = policy});
      const auto open =
          Announce(family.scope, [&](CancelCause cause) { group.Cancel(cause, "by chance"); });
      std::vector<Task<void>> tasks;
      for (int children = Below(5); children > 0; --children) {
        Task<void> task = group.Spawn("child", [this, &family, policy, depth] {
          return NoteFailure(family, policy, [&] { return Child(family, depth); });
        });
        if (OneIn(2)) tasks.push_back(std::move(task));
        if (OneIn(4)) Sleep(around).IgnoreError();
      }
      if (OneIn(4)) {  // Left without a Wait().
        if (group.running() > 0) NoteCancel(family.scope, CancelCause::kByHand);
      } else {
        const absl::Status first = family_result(group.Wait(), family);
        EXPECT_EQ(group.running(), 0u);
        ExpectChain(group.scope(), family.scope);
        for (const Task<void>& task : tasks) {
          ASSERT_TRUE(task.done());
          EXPECT_TRUE(task.status().ok() || !first.ok());
        }
      }
    }
    EXPECT_EQ(family.alive, 0);
  }

  static absl::Status family_result(absl::Status result, const Family& family) {
    EXPECT_EQ(result, family.failures.empty() ? absl::OkStatus() : family.failures[0]);
    return result;
  }

  // Notes what the group will do as soon as the child has failed.
  template <typename F>
  absl::Status NoteFailure(Family& family, OnFailure policy, F child) {
    const auto note = [&] {
      if (family.failures.size() == 1 && policy == OnFailure::kCancelSiblings) {
        NoteCancel(family.scope, CancelCause::kSiblingFailed);
      }
    };
    try {
      absl::Status status = child();
      if (!status.ok()) note();
      return status;
    } catch (...) {
      note();
      throw;
    }
  }

  void RunRace(ModelScope& around, int depth) {
    Family family{NewScope(&around, "", absl::InfiniteFuture())};
    const std::vector<int> runners(static_cast<size_t>(1 + Below(3)));
    const absl::Status result = RaceEach(runners, [&](int) {
      absl::Status status = Child(family, depth);
      if (status.ok()) NoteCancel(family.scope, CancelCause::kSiblingSucceeded);
      return status;
    });
    EXPECT_EQ(family.alive, 0);
    const std::optional<ModelReason> why = WhyCancelled(around, weft::Now());
    if (family.successes > 0) {
      EXPECT_TRUE(result.ok()) << result;
    } else if (why.has_value()) {
      EXPECT_EQ(result, CancelScope::Current()->status());
    } else {
      EXPECT_EQ(result, family.failures.at(0));
    }
  }

  void RunForEach(ModelScope& around, int depth) {
    const OnFailure policy = OneIn(3) ? OnFailure::kWaitForAll : OnFailure::kCancelSiblings;
    Family family{NewScope(&around, "each", absl::InfiniteFuture())};
    const std::vector<int> elements(static_cast<size_t>(Below(8)));
    const int max_concurrent = 1 + Below(3);
    size_t begun = 0;
    const absl::Status result = ForEach(
        elements,
        {.max_concurrent = max_concurrent, .on_failure = policy, .name = family.scope.name.c_str()},
        [&](int) {
          ++begun;
          EXPECT_LT(family.alive, max_concurrent);
          return NoteFailure(family, policy, [&] { return Child(family, depth); });
        });
    EXPECT_EQ(family.alive, 0);
    if (!family.failures.empty()) {
      EXPECT_EQ(result, family.failures[0]);
    } else if (begun < elements.size()) {
      EXPECT_TRUE(WhyCancelled(around, weft::Now()).has_value());
      EXPECT_FALSE(result.ok());
    } else {
      EXPECT_TRUE(result.ok()) << result;
    }
  }

  std::minstd_rand random_;
  std::deque<ModelScope> scopes_;
  std::vector<Cancellable> cancels_;
  int fuel_ = 150;
  int turns_ = 0;
  int failures_ = 0;
  int children_ = 0;
};

TEST(TaskGroupModel, RandomTreesDoWhatTheModelSays) {
  ForEachShuffle(StressSeeds(400), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] { RandomProgram(seed).Run(); });
  });
}

}  // namespace
}  // namespace weft
