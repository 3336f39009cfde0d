#include <string>

#include <ringpull/http/body_sources.hpp>

namespace ringpull::inline v0::http {

using engine::Task;

Task<Result<void>> BufferSource::rewind() {
  index_ = 0;
  co_return Result<void>();
}

Task<Result<ConstBytes>> BufferSource::next() {
  if (index_ == chain_.pieces()) co_return ConstBytes();
  co_return ConstBytes(chain_.piece(index_++));
}

Task<Result<void>> FileSource::rewind() {
  done_ = 0;
  co_return Result<void>();
}

Task<Result<ConstBytes>> FileSource::next() {
  if (done_ == options_.size_bytes) {
    block_.release();
    co_return ConstBytes();
  }
  if (!block_) RINGPULL_CO_CHECK(co_await begin());
  std::uint64_t left = options_.size_bytes - done_;
  auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_.size()));
  // Direct reads are of whole pages, also where the range ends inside one.
  std::size_t asked = file_.is_direct() ? engine::direct_size(wanted) : wanted;
  MutableBytes space(block_.data(), asked);
  auto read = co_await file_.read_exact_at(space, options_.offset + done_);
  if (!read) {
    Error error = std::move(read).error();
    bool ended = error.is(ErrorKind::truncated);
    if (!ended) co_return fail(std::move(error).context("read the request body"));
    if (error.bytes_done() < wanted) co_return fail(too_short(done_ + error.bytes_done()));
  }
  done_ += wanted;
  co_return ConstBytes(space.first(wanted));
}

Task<Result<void>> FileSource::begin() {
  RINGPULL_CO_TRY(std::uint64_t file_bytes, file_.size());
  // A block device says 0; that an ordinary file is empty shows when it is read.
  bool short_already = file_bytes > 0 && (file_bytes < options_.offset ||
                                          file_bytes - options_.offset < options_.size_bytes);
  if (short_already) {
    co_return fail(too_short(file_bytes - std::min(file_bytes, options_.offset)));
  }
  std::size_t block_bytes = std::max(engine::kDirectAlignment, options_.block_bytes);
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(options_.size_bytes, block_bytes));
  RINGPULL_CO_TRY(block_, co_await pool_.lease(engine::direct_size(size)));
  co_return Result<void>();
}

Error FileSource::too_short(std::uint64_t bytes) const {
  return Error(ErrorKind::invalid_argument,
               "the file holds " + std::to_string(bytes) + " bytes from offset " +
                   std::to_string(options_.offset) + " on, the request body was to be " +
                   std::to_string(options_.size_bytes));
}

}  // namespace ringpull::inline v0::http
