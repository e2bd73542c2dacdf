#include "transfer/export_pool.h"

#include <system_error>

namespace gw::transfer {

ExportPool::ExportPool(std::vector<std::unique_ptr<Exporter>> exporters, Open open)
    : exporters_(std::move(exporters)), open_(std::move(open)) {
  // With one exporter the caller's thread does the work; threads_ stays empty.
  if (exporters_.size() < 2) return;
  try {
    for (const auto& exporter : exporters_) threads_.emplace_back([this, &exporter] { work(*exporter); });
  } catch (const std::system_error&) {
    // The system has no more threads: those that run do the work, or the caller's thread.
  }
}

ExportPool::~ExportPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    // Destruction without finish() means that the export failed: nothing more is to be written.
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ExportPool::work(Exporter& exporter) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    const store::MessageRecord record = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    // Opening and writing happen without the lock; each exporter belongs to one thread.
    lock.unlock();
    const Result<void> added = exporter.add(record, open_(record));
    lock.lock();
    --busy_;
    if (!added && !failed_) failed_ = added.error();
    // The first error ends the export for all threads. An empty queue also lets settled() return.
    if (failed_) waiting_.clear();
    changed_.notify_all();
  }
}

Result<void> ExportPool::add(const store::MessageRecord& record) {
  if (threads_.empty()) return exporters_.front()->add(record, open_(record));
  std::unique_lock lock(mutex_);
  // A short queue suffices, because the threads are limited by the disk. It bounds the memory for
  // records.
  changed_.wait(lock, [this] { return failed_ || waiting_.size() < 2 * threads_.size(); });
  if (failed_) return *failed_;
  waiting_.push_back(record);
  changed_.notify_all();
  return {};
}

// Afterwards no thread touches an exporter until the next add().
Result<void> ExportPool::settled() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && busy_ == 0; });
  if (failed_) return *failed_;
  return {};
}

Result<void> ExportPool::finish() {
  if (auto done = settled(); !done) return done;
  for (const auto& exporter : exporters_) {
    if (auto finished = exporter->finish(); !finished) return finished;
  }
  return {};
}

ExportReport ExportPool::report() const {
  ExportReport all;
  for (const auto& exporter : exporters_) {
    const ExportReport& one = exporter->report();
    all.written += one.written;
    all.present += one.present;
    all.size += one.size;
    all.unwrapped += one.unwrapped;
    all.unmatched += one.unmatched;
    all.unnoted += one.unnoted;
    all.failures.add_all(one.failures);
  }
  return all;
}

std::vector<MessageId> ExportPool::give_taken() {
  std::vector<MessageId> all;
  for (const auto& exporter : exporters_) {
    const std::vector<MessageId> taken = exporter->give_taken();
    all.insert(all.end(), taken.begin(), taken.end());
  }
  return all;
}

}  // namespace gw::transfer
