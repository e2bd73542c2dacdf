#include "base/file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

constexpr int kInputOutput = 74;

class StreamWriter : public Writer {
 public:
  explicit StreamWriter(int fd) : fd_(fd) {}

  std::string name(const MessageId&, Micros, std::string_view) const override { return "-"; }

  Result<void> begin(const Entry&) override {
    if (begun_) {
      return Error(Code::Usage, "standard output takes one message, and there are more")
          .with_hint("choose one with --since and --until, or export to a folder");
    }
    begun_ = true;
    return {};
  }
  Result<void> write(ByteView octets) override {
    auto done = write_all(fd_, octets, "standard output");
    if (!done) return done.error().with_exit_status(kInputOutput);
    return {};
  }
  Result<void> commit() override { return {}; }
  void abandon() override {}
  Result<void> sync() override { return {}; }
  Result<Digest> digest(const std::string&) override { return Error(Code::NotFound, "standard output"); }

 private:
  int fd_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Writer> make_stream_writer(int fd) {
  return std::make_unique<StreamWriter>(fd);
}

}  // namespace gw::transfer
