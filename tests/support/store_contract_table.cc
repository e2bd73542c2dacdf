#include <array>

#include "support/store_contract_subjects.h"

namespace gw::store::contract {
namespace {

template <class Maker>
struct Subjects {
  const char* title;
  void (*prove)(const Maker& make);
};

constexpr std::array kSubjects{
    Subjects<Make>{"mailboxes", mailboxes},
    Subjects<Make>{"addresses", addresses},
    Subjects<Make>{"records", records},
    Subjects<Make>{"messages", messages},
    Subjects<Make>{"transitions", transitions},
    Subjects<Make>{"pending messages", pending},
    Subjects<Make>{"leases and permits", leases},
    Subjects<Make>{"quota", quota},
    Subjects<Make>{"histories", histories},
    Subjects<Make>{"grace", grace},
    Subjects<Make>{"receipts of swept messages", receipts},
    Subjects<Make>{"purges", purges},
    Subjects<Make>{"what servers did is summed, in bounded memory", server_stats},
    Subjects<Make>{"big messages", big},
};

constexpr std::array kShared{
    Subjects<MakeShared>{"deliveries of the same messages race, and each is stored once", racing_deliveries},
    Subjects<MakeShared>{"one drains while the other delivers", drain_beside_deliveries},
    Subjects<MakeShared>{"a lease that was taken over is lost to its former holder", lease_taken_over},
    Subjects<MakeShared>{"changes of the same name or record race, and one wins", racing_records},
    Subjects<MakeShared>{"a password that one changes is the other's too", changed_password},
    Subjects<MakeShared>{"pending messages are their own client's", pending_of_others},
};

// A test case with a factory, which the macros of Catch2 cannot make.
template <class Maker>
class Invoker : public Catch::ITestInvoker {
 public:
  Invoker(const Subjects<Maker>& subject, Maker make) : subject_(subject), make_(std::move(make)) {}
  void invoke() const override { subject_.prove(make_); }

 private:
  const Subjects<Maker>& subject_;
  const Maker make_;
};

template <class Maker, std::size_t N>
void add(const std::array<Subjects<Maker>, N>& subjects, const std::string& store, const Maker& make) {
  for (const Subjects<Maker>& subject : subjects) {
    const std::string title = store + ": " + subject.title;
    // Catch2 owns the invoker and copies the title.
    Catch::AutoReg(new Invoker<Maker>(subject, make), CATCH_INTERNAL_LINEINFO, Catch::StringRef(),
                   Catch::NameAndTags(title));
  }
}

}  // namespace

Test::Test(const std::string& store, const Make& make) {
  add(kSubjects, store, make);
}

SharedTest::SharedTest(const std::string& store, const MakeShared& make) {
  add(kShared, store, make);
}

}  // namespace gw::store::contract
