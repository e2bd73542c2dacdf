// Runs several Exporters in parallel over one list of messages, each with its own writer and
// thread. Use it for destinations of many files, where each file waits for its own sync to disk.
//
//   ExportPool crew(std::move(exporters), open);
//   for (record) crew.add(record);
//   crew.finish();
//
// With one exporter no thread is started, and add() does the work in the caller's thread. So it does
// if the system cannot start a thread.
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

// add(), finish(), report() and give_taken() are for one thread. The destructor drops the messages
// that still wait and joins the threads.
class ExportPool {
 public:
  // Opens a message. With several exporters it is called from several threads at the same time.
  using Open = std::function<Result<vault::Message>(const store::MessageRecord&)>;
  ExportPool(std::vector<std::unique_ptr<Exporter>> exporters, Open open);
  ~ExportPool();
  ExportPool(const ExportPool&) = delete;
  ExportPool& operator=(const ExportPool&) = delete;

  // Queues a message; waits while the queue is full (two messages per thread). Returns the first
  // error that any exporter met, also for earlier messages; after an error nothing more is
  // exported.
  Result<void> add(const store::MessageRecord& record);
  // Waits until all queued messages are written, durable and, if requested, read back. More
  // messages may be added afterwards.
  Result<void> finish();

  // Returns the sums of all exporters. Call it after finish() only.
  ExportReport report() const;
  // Returns Exporter::give_taken() of all exporters. Call it after finish() only.
  std::vector<MessageId> give_taken();

 private:
  void work(Exporter& exporter);
  // Waits until the queue is empty and no thread is busy.
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
