#include "store/local/head.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace gw::store {
namespace {

constexpr std::string_view kMagic = "gw-head1";
constexpr std::size_t kSlotSize = 8 + 8 + 8 + 32 + 1 + 32;
// The slots are in different blocks: no device tears two of its blocks by one write.
constexpr std::uint64_t kSlotStep = 4096;

// The digest at the end makes a torn slot invalid.
Bytes encode(const Head& head, std::uint64_t turn) {
  ByteWriter writer;
  writer.text(kMagic).u64(turn).u64(head.point.number).bytes(head.point.chain).u8(head.clean ? 1 : 0);
  const Digest sum = sha256(writer.data());
  return writer.bytes(sum).take();
}

bool decode(ByteView slot, Head& head, std::uint64_t& turn) {
  ByteReader reader(slot);
  const ByteView magic = reader.bytes(kMagic.size());
  turn = reader.u64();
  head.point.number = reader.u64();
  reader.copy(head.point.chain);
  head.clean = reader.u8() == 1;
  Digest sum;
  return reader.copy(sum) && as_text(magic) == kMagic && sum == sha256(slot.first(slot.size() - sum.size()));
}

}  // namespace

Result<void> HeadFile::create(const std::string& vault, const Head& head) {
  // The file gets both slots now, so that a later write needs no space even on a full disk. It has
  // a valid first slot and an empty second one.
  Bytes file = encode(head, 1);
  file.resize(2 * kSlotStep);
  return create_file(vault + "/head", file, 0600);
}

Result<HeadFile> HeadFile::open(const std::string& vault) {
  const std::string path = vault + "/head";
  HeadFile file;
  file.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  // A vault on a read-only file system can still be read; write() will fail.
  if (!file.fd_ && errno == EROFS) file.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.fd_) {
    if (errno == ENOENT) return Error(Code::Corrupt, "the head file is missing");
    return Error::from_errno(path);
  }
  // The intact slot with the higher turn wins. A slot that cannot be decoded was torn by a power
  // cut; the other one is then at most one write older.
  for (const std::uint64_t at : {std::uint64_t{0}, kSlotStep}) {
    std::array<std::byte, kSlotSize> slot{};
    if (::pread(file.fd_.get(), slot.data(), slot.size(), static_cast<off_t>(at)) < 0)
      return Error::from_errno(path);
    Head head;
    std::uint64_t turn = 0;
    if (!decode(slot, head, turn) || turn <= file.turn_) continue;
    file.turn_ = turn;
    file.head_ = head;
  }
  if (file.turn_ == 0) return Error(Code::Corrupt, "the head file is damaged");
  return file;
}

Result<void> HeadFile::write(const Head& head) {
  const Bytes slot = encode(head, turn_ + 1);
  // The slot that was not written last. turn_ advances only after the sync, so that after a failed
  // write the next one uses the same slot again and never touches the good one. The size of the
  // file does not change, so fdatasync(2) suffices.
  const std::uint64_t at = (turn_ + 1) % 2 == 1 ? 0 : kSlotStep;
  for (std::size_t done = 0; done < slot.size();) {
    const ssize_t wrote =
        ::pwrite(fd_.get(), slot.data() + done, slot.size() - done, static_cast<off_t>(at + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Error::from_errno("cannot write the head file");
    done += static_cast<std::size_t>(wrote);
  }
  if (::fdatasync(fd_.get()) != 0) return Error::from_errno("cannot write the head file");
  ++turn_;
  head_ = head;
  return {};
}

}  // namespace gw::store
