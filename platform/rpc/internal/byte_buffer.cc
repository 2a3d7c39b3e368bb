#include "platform/rpc/internal/byte_buffer.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace weft::rpc::internal {
namespace {

// The slices of a byte buffer, one after another, without copying.
class SliceStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit SliceStream(grpc_byte_buffer& buffer) {
    valid_ = grpc_byte_buffer_reader_init(&reader_, &buffer) != 0;
  }
  ~SliceStream() override {
    if (valid_) grpc_byte_buffer_reader_destroy(&reader_);
  }

  bool Next(const void** data, int* size) override {
    if (backed_up_ > 0) {
      *data = GRPC_SLICE_END_PTR(*slice_) - backed_up_;
      *size = backed_up_;
      backed_up_ = 0;
      return true;
    }
    if (!valid_ || grpc_byte_buffer_reader_peek(&reader_, &slice_) == 0) return false;
    *data = GRPC_SLICE_START_PTR(*slice_);
    *size = static_cast<int>(GRPC_SLICE_LENGTH(*slice_));
    seen_ += *size;
    return true;
  }
  void BackUp(int count) override { backed_up_ = count; }
  bool Skip(int count) override {
    const void* data = nullptr;
    int size = 0;
    while (Next(&data, &size)) {
      if (size >= count) {
        BackUp(size - count);
        return true;
      }
      count -= size;
    }
    return false;
  }
  int64_t ByteCount() const override { return seen_ - backed_up_; }

 private:
  grpc_byte_buffer_reader reader_;
  grpc_slice* slice_ = nullptr;
  bool valid_ = false;
  int backed_up_ = 0;
  int64_t seen_ = 0;
};

}  // namespace

absl::Status ParseMessage(grpc_byte_buffer& buffer, google::protobuf::MessageLite* message) {
  const grpc_slice_buffer& slices = buffer.data.raw.slice_buffer;
  bool parsed = false;
  if (buffer.type == GRPC_BB_RAW && slices.count == 1) {
    parsed = message->ParseFromArray(GRPC_SLICE_START_PTR(slices.slices[0]),
                                     static_cast<int>(GRPC_SLICE_LENGTH(slices.slices[0])));
  } else {
    SliceStream stream(buffer);
    parsed = message->ParseFromZeroCopyStream(&stream);
  }
  if (parsed) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the message does not parse as ", message->GetTypeName()));
}

absl::Status SerializeMessage(const google::protobuf::MessageLite& message, ByteBuffer* buffer) {
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::InternalError(absl::StrCat("a ", message.GetTypeName(), " of ", size,
                                            " bytes is too large: Protobuf's limit is 2 GiB"));
  }
  grpc_slice slice = grpc_slice_malloc(size);
  message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  buffer->reset(grpc_raw_byte_buffer_create(&slice, 1));
  grpc_slice_unref(slice);
  return absl::OkStatus();
}

}  // namespace weft::rpc::internal
