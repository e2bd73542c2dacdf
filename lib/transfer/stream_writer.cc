#include "base/exit_status.h"
#include "base/file.h"
#include "transfer/part_file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

class StreamWriter : public Writer {
 public:
  explicit StreamWriter(int fd) : fd_(fd) {}

  std::string name(const Entry&) const override { return "-"; }
  bool sidecars() const override { return false; }
  Result<bool> holds(const Entry&, const Expected&) override { return false; }

  // Messages on a stream have no separator, so only one can be written.
  Result<void> begin(const Entry&) override {
    if (begun_) {
      return Error(Code::Usage, "standard output takes one message, but several match")
          .with_hint("select one with --since and --until, or use another --format");
    }
    begun_ = true;
    return {};
  }
  Result<void> write(ByteView data) override {
    sum_.update(data);
    auto done = write_all(fd_, data, "standard output");
    if (!done) return done.error().with_exit_status(kExitInputOutput);
    return {};
  }
  Result<Digest> commit() override { return sum_.finish(); }
  void abandon() override {}
  Result<void> finish() override { return {}; }
  // A stream cannot be read back.
  Result<Digest> digest(const Entry&) override { return Error(Code::NotFound, "standard output"); }

 private:
  int fd_;
  bool begun_ = false;
  Sha256 sum_;
};

}  // namespace

MadeWriter make_stream_writer(int fd) {
  return std::unique_ptr<Writer>(std::make_unique<StreamWriter>(fd));
}

}  // namespace gw::transfer
