#pragma once
// The queues of both backends: operations that wait in user space, or have ended and are not
// delivered yet. Not synchronised; FileThreads guards its own by a lock.

#include <ringpull/engine/op.hpp>

namespace ringpull::inline v0::engine {

/// First in, first out, intrusive through Op::next and Op::previous; an Op is in one list at a
/// time.
class OpList {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  /// Null when empty; the next ones follow by Op::next.
  Op* front() const noexcept { return head_; }
  void push_back(Op& op) noexcept {
    op.previous = tail_;
    op.next = nullptr;
    (tail_ != nullptr ? tail_->next : head_) = &op;
    tail_ = &op;
  }
  void push_front(Op& op) noexcept {
    op.previous = nullptr;
    op.next = head_;
    (head_ != nullptr ? head_->previous : tail_) = &op;
    head_ = &op;
  }
  Op* pop_front() noexcept {
    Op* op = head_;
    if (op != nullptr) remove(*op);
    return op;
  }
  void remove(Op& op) noexcept {
    (op.previous != nullptr ? op.previous->next : head_) = op.next;
    (op.next != nullptr ? op.next->previous : tail_) = op.previous;
    op.next = op.previous = nullptr;
  }

 private:
  Op* head_ = nullptr;
  Op* tail_ = nullptr;
};

}  // namespace ringpull::inline v0::engine
