#include "store/format.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kPage = 1000;

}  // namespace

std::string shown_time(Micros time) {
  if (time == 0) return "-";
  std::string text = rfc3339(time - time % 1'000'000);
  const std::size_t t = text.find('T');
  if (t != std::string::npos) text[t] = ' ';
  return text;
}

std::string shown_span(std::int64_t seconds) {
  const auto with = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
  if (seconds == 86'400) return "1 day";
  if (seconds % 86'400 == 0 && seconds != 0) return with(seconds / 86'400, "days");
  if (seconds % 3600 == 0 && seconds != 0) return with(seconds / 3600, "h");
  return with(seconds, "s");
}

std::string shown_age(std::int64_t seconds) {
  if (seconds >= 2 * 86'400) return std::to_string(seconds / 86'400) + " days";
  if (seconds >= 2 * 3600) return std::to_string(seconds / 3600) + " h";
  if (seconds >= 2 * 60) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

Json json_time(Micros time) {
  return time == 0 ? Json() : Json(rfc3339(time));
}

Json json_digest(const Digest& digest) {
  return digest == Digest{} ? Json() : Json(to_hex(digest));
}

Result<void> for_each_message(store::Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const store::MessageRecord&)>& each) {
  std::uint64_t after = 0;
  for (;;) {
    const auto page = store.list(mailbox, after, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const store::MessageRecord& record : *page) {
      if (auto done = each(record); !done) return done;
      after = record.seq;
    }
  }
}

Result<void> for_each_leaf(store::Store& store, const MailboxId& log, std::uint64_t from,
                           const std::function<Result<void>(const Bytes&)>& each) {
  for (;;) {
    const auto page = store.history_read(log, from, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const Bytes& leaf : *page) {
      if (auto done = each(leaf); !done) return done;
    }
    from += page->size();
  }
}

}  // namespace gw::cmd
