// Several Exporters at work on one list, each with a writer and a thread of its own: for destinations of many
// files, where each mail waits for its own sync.
//
//   Crew crew(std::move(exporters), open);
//   for (record) crew.add(record);
//   crew.finish();
//
// With one exporter everything is done in the caller's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "transfer/export.h"

namespace gw::transfer {

class Crew {
 public:
  // `open` is called from several threads at once.
  using Open = std::function<Result<vault::Message>(const store::MessageRecord&)>;
  Crew(std::vector<std::unique_ptr<Exporter>> exporters, Open open);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Waits while all are busy. The first Error that anybody met ends it all.
  Result<void> add(const store::MessageRecord& record);
  // Everything given is done, durable, and read back where asked. More may be added afterwards.
  Result<void> finish();

  ExportReport report() const;  // of all; after finish()
  std::vector<MessageId> give_taken();

 private:
  void work(Exporter& exporter);
  Result<void> settled();

  std::vector<std::unique_ptr<Exporter>> exporters_;
  Open open_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<store::MessageRecord> waiting_;
  std::size_t busy_ = 0;
  std::optional<Error> failed_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gw::transfer
