#include <ringpull/http/body.hpp>

namespace ringpull::inline v0::http {

using engine::Task;

std::optional<std::uint64_t> SpanSource::size() const noexcept {
  std::uint64_t total = 0;
  for (ConstBytes piece : pieces_) total += piece.size();
  return total;
}

Task<Result<void>> SpanSource::rewind() {
  index_ = 0;
  co_return Result<void>();
}

Task<Result<ConstBytes>> SpanSource::next() {
  while (index_ < pieces_.size() && pieces_[index_].empty()) ++index_;
  if (index_ == pieces_.size()) co_return ConstBytes();
  co_return pieces_[index_++];
}

Task<Result<void>> GeneratorSource::rewind() {
  co_return fail(ErrorKind::unsupported, "a generated body cannot be sent a second time");
}

Task<Result<ConstBytes>> GeneratorSource::next() { return function_(); }

}  // namespace ringpull::inline v0::http
