// The pages on messages: lists without a password, one message with it, and mail that means harm.
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/text.h"
#include "support/source_dir.h"
#include "vault/message_change.h"
#include "vault/message_list.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

std::vector<store::Leaf> leaves(ConsoleVault& vault, const MailboxId& log) {
  const auto stored = vault.store.history_read(log, 0, 1000);
  REQUIRE(stored);
  std::vector<store::Leaf> all;
  for (const Bytes& each : *stored) all.push_back(*store::decode_leaf(each));
  return all;
}

store::State state_of(ConsoleVault& vault, const MailboxId& mailbox, const MessageId& id) {
  const auto record = vault.store.find(mailbox, id);
  REQUIRE(record);
  return record->state;
}

std::string corpus(const std::string& name) {
  std::ifstream file(gw::test::source_dir() + "/tests/corpus/" + name, std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string streamed(const web::Response& response, bool& whole) {
  std::string all;
  REQUIRE(response.stream);
  whole = response.stream([&](ByteView piece) {
    all += as_text(piece);
    return true;
  });
  return all;
}

// A mailbox with one message, and a browser that has opened it.
struct Opened {
  ConsoleVault vault;
  store::MailboxRecord mailbox;
  MessageId id;
  Browser browser;
  std::string path;

  explicit Opened(std::string_view mail, const std::string& role = "viewer")
      : mailbox(vault.add_mailbox("journal")), id(vault.deliver(mailbox, mail)), browser(vault) {
    path = "/mailboxes/journal/messages/" + id.hex();
    browser.sign_in(role);
    browser.get(path);
  }
  web::Response open(std::string_view password = kConsolePassword) {
    return browser.post(path + "/open", {{"password", std::string(password)}});
  }
  web::Response page() {
    REQUIRE(open().status == 303);
    return browser.get(path);
  }
};

const std::string kPlain = "From: Ann <ann@example.com>\r\nSubject: Hello\r\n\r\nThe secret text.\r\n";

}  // namespace

TEST_CASE("Messages are listed without a password, the newest first, without their content") {
  Opened test(kPlain);
  const MessageId second = test.vault.deliver(test.mailbox, kPlain);
  const web::Response list = test.browser.get("/mailboxes/journal/messages");
  CHECK(list.status == 200);
  const std::size_t newer = list.body.find(second.hex());
  const std::size_t older = list.body.find(test.id.hex());
  REQUIRE((newer != std::string::npos && older != std::string::npos));
  CHECK(newer < older);
  CHECK_FALSE(shows(list, "Hello"));
  CHECK_FALSE(shows(list, "example.com"));
  CHECK_FALSE(shows(list, "name=\"id\""));
  CHECK(shows(list, "2 messages in this mailbox."));
  CHECK(std::regex_search(list.body, std::regex("\\d\\d:\\d\\d:\\d\\d\u00a0UTC")));
  const web::Response one = test.browser.get(test.path);
  CHECK(one.status == 200);
  CHECK_FALSE(shows(one, "Hello"));
  CHECK(shows(one, "name=\"password\""));
}

TEST_CASE("Lists are filtered by state and day, and have pages") {
  Opened test(kPlain, "operator");
  std::vector<MessageId> ids{test.id};
  for (int i = 0; i < 119; ++i) ids.push_back(test.vault.deliver(test.mailbox, kPlain));
  REQUIRE(vault::change_messages(test.vault.store, test.mailbox.id, vault::MessageChange::Quarantine,
                                 std::span(ids).first(1), "test"));
  const auto seen = [&](const web::Response& page) {
    return std::ranges::count_if(ids, [&](const MessageId& id) { return shows(page, ">" + id.hex() + "<"); });
  };
  std::string target = "/mailboxes/journal/messages";
  std::vector<std::ptrdiff_t> pages;
  for (int page = 0; page < 5 && !target.empty(); ++page) {
    const web::Response list = test.browser.get(target);
    pages.push_back(seen(list));
    constexpr std::string_view kLink = "<a href=\"";
    const std::size_t older = list.body.find(">Older messages<");
    const std::size_t at = older == std::string::npos ? older : list.body.rfind(kLink, older);
    const std::size_t from = at + kLink.size();
    target = at == std::string::npos ? "" : list.body.substr(from, list.body.find('"', from) - from);
  }
  CHECK(pages == std::vector<std::ptrdiff_t>{50, 50, 20});
  const web::Response set_aside = test.browser.get("/mailboxes/journal/messages?state=quarantined");
  CHECK(seen(set_aside) == 1);
  CHECK(shows(set_aside, test.id.hex()));
  CHECK(seen(test.browser.get("/mailboxes/journal/messages?until=2020-01-01")) == 0);
  CHECK(seen(test.browser.get("/mailboxes/journal/messages?since=2020-01-01&before=")) == 50);
  const web::Response odd =
      test.browser.get("/mailboxes/journal/messages?since=%22%3E%3Cscript%3E&state=%3Cb%3E&before=-1");
  CHECK(odd.status == 200);
  CHECK_FALSE(shows(odd, "<script>alert"));
  CHECK_FALSE(shows(odd, "\"><script>"));
}

TEST_CASE("A search that finds little stops at its limit and returns where it continues") {
  Opened test(kPlain);
  for (int i = 0; i < 600; ++i) test.vault.deliver(test.mailbox, "x");
  std::size_t looked_at = 0;
  const auto only_first = [&](const store::MessageRecord& record) {
    ++looked_at;
    return record.id == test.id;
  };
  std::uint64_t before = 0;
  std::size_t pages = 0;
  std::size_t found = 0;
  do {
    const auto page = vault::messages_before(test.vault.store, test.mailbox.id, before, 50, 200, only_first);
    REQUIRE(page);
    found += page->records.size();
    before = page->before;
    ++pages;
  } while (before != 0 && pages < 20);
  CHECK(found == 1);
  CHECK(pages > 1);
  CHECK(looked_at == 601);
}

TEST_CASE("A search stops when its caller has enough, and continues at the next message") {
  Opened test(kPlain);
  for (int i = 0; i < 600; ++i) test.vault.deliver(test.mailbox, "x");
  std::uint64_t before = 0;
  std::size_t pages = 0;
  std::size_t examined = 0;
  do {
    std::size_t now = 0;
    const auto page = vault::messages_before(
        test.vault.store, test.mailbox.id, before, 50, 10'000,
        [&](const store::MessageRecord&) { return ++now == 0; }, [&] { return now >= 100; });
    REQUIRE(page);
    CHECK(now <= 100);
    examined += now;
    before = page->before;
    ++pages;
  } while (before != 0 && pages < 20);
  CHECK(examined == 601);
  CHECK(pages == 7);
}

TEST_CASE("One message opens with the mailbox's password, for this session alone and for five minutes") {
  Opened test(kPlain);
  const web::Response wrong = test.open("not the password of it");
  CHECK(wrong.status == 403);
  CHECK(shows(wrong, "The password is wrong."));
  CHECK_FALSE(shows(wrong, "not the password of it"));
  CHECK(test.vault.console->views().count() == 0);

  const web::Response page = test.page();
  CHECK(page.secret);
  CHECK(shows(page, "The secret text."));
  CHECK(shows(page, "Ann &lt;ann@example.com&gt;"));
  CHECK(shows(page, "<h1>Hello</h1>"));
  CHECK(shows(page, "Complete and unaltered"));
  const web::Response envelope = test.browser.get(test.path + "?view=envelope");
  CHECK(shows(envelope, "sender@example.org"));
  CHECK(shows(envelope, to_hex(sha256(as_bytes(kPlain)))));
  CHECK_FALSE(shows(envelope, "The secret text."));
  CHECK(shows(test.browser.get(test.path + "?view=raw"),
              "From: Ann &lt;ann@example.com&gt;\nSubject: Hello\n"));
  CHECK(shows(test.browser.get(test.path + "?view=html"), "The secret text."));
  CHECK_FALSE(shows(page, kConsolePassword));

  Browser other(test.vault);
  other.sign_in("administrator");
  CHECK_FALSE(shows(other.get(test.path), "The secret text."));
  CHECK(other.post(test.path + "/eml", {}).status == 303);
  const MessageId second = test.vault.deliver(test.mailbox, kPlain);
  CHECK_FALSE(shows(test.browser.get("/mailboxes/journal/messages/" + second.hex()), "The secret text."));

  test.vault.pass(4min);
  CHECK(shows(test.browser.get(test.path), "The secret text."));
  test.vault.pass(61s);
  CHECK_FALSE(shows(test.browser.get(test.path), "The secret text."));
  CHECK(test.vault.console->views().count() == 0);
}

TEST_CASE("An opened message closes by hand, at sign-out, and when others replace it") {
  Opened test(kPlain);
  REQUIRE(shows(test.page(), "The secret text."));
  CHECK(test.browser.post(test.path + "/close", {}).status == 303);
  CHECK_FALSE(shows(test.browser.get(test.path), "The secret text."));
  test.page();
  CHECK(test.vault.console->views().count() == 1);
  for (int i = 0; i < 6; ++i) {
    const MessageId more = test.vault.deliver(test.mailbox, kPlain);
    test.browser.post("/mailboxes/journal/messages/" + more.hex() + "/open",
                      {{"password", std::string(kConsolePassword)}});
  }
  CHECK(test.vault.console->views().count() == web::OpenedMessages::kMaxOfSession);
  CHECK_FALSE(shows(test.browser.get(test.path), "The secret text."));
  test.browser.post("/sign-out", {});
  CHECK(test.vault.console->views().count() == 0);
}

TEST_CASE("The history names who opened a message and who downloaded it") {
  Opened test(kPlain);
  test.page();
  bool whole = false;
  const web::Response download = test.browser.post(test.path + "/eml", {});
  CHECK(streamed(download, whole) == kPlain);
  CHECK(whole);
  std::vector<std::string> actors;
  for (const store::Leaf& leaf : leaves(test.vault, test.mailbox.id))
    if (leaf.type == store::LeafType::Exported && leaf.message == test.id) actors.push_back(leaf.actor);
  REQUIRE(actors.size() == 2);
  CHECK(actors[0].find("console viewer from 192.0.2.7, shown") != std::string::npos);
  CHECK(actors[1].find("console viewer from 192.0.2.7, downloaded") != std::string::npos);
  CHECK(test.browser.get(test.path + "/eml").status == 405);
}

TEST_CASE("A download is the mail byte for byte, under a name that no sender chooses") {
  std::string large = "Subject: =?utf-8?q?a=22=3B=0D=0ASet-Cookie:_x?=\r\n\r\n";
  while (large.size() < 300'000) large += "A line of text that goes on and on.\n\0\xff\r"s;
  Opened test(large);
  test.page();
  const web::Response download = test.browser.post(test.path + "/eml", {});
  CHECK(download.headers.get("Content-Disposition") == "attachment; filename=\"" + test.id.hex() + ".eml\"");
  CHECK(download.content_type == "message/rfc822");
  CHECK(download.length == large.size());
  for (int times = 0; times < 2; ++times) {
    bool whole = false;
    CHECK(streamed(download, whole) == large);
    CHECK(whole);
  }
  std::size_t most = 0;
  download.stream([&](ByteView piece) {
    most = std::max(most, piece.size());
    return true;
  });
  CHECK(most <= 64 << 10);
  // A reader that leaves ends it.
  CHECK_FALSE(download.stream([](ByteView) { return false; }));
}

TEST_CASE("A journal report shows sender and recipients, the blind ones too, and the mail within") {
  Opened test(corpus("01-basic-to-cc-bcc.eml"));
  test.page();
  const web::Response page = test.browser.get(test.path + "?view=journal");
  CHECK(shows(page, "Journal report"));
  CHECK(shows(page, "<span class=\"pill warning\">Bcc</span>"));
  CHECK(shows(test.browser.get(test.path + "?view=headers"), "Header of the journaled message"));
}

TEST_CASE(
    "What a report has that is longer than anybody reads is cut, and a line beyond all measure is no "
    "report's") {
  const auto report = [](std::size_t size) {
    return "X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
           "--b\r\nContent-Type: text/plain\r\n\r\nSender: a@x\r\nMessage-Id: <1@x>\r\nTo: x" +
           std::string(size, '"') +
           "\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ny\r\n--b--\r\n";
  };
  Opened test(report(50'000));
  test.page();
  const web::Response page = test.browser.get(test.path + "?view=journal");
  CHECK(shows(page, "Journal report"));
  CHECK(shows(page, "&quot;\xe2\x80\xa6</code>"));
  CHECK(page.body.size() < 100'000);
  Opened large(report(8 << 20));
  const web::Response other = large.page();
  CHECK_FALSE(shows(other, "Journal report"));
  // Of the text 256 KiB are shown, six bytes for each of these.
  CHECK(other.body.size() < 2 << 20);
}

TEST_CASE("Members of lists and forwarded mail are shown with their origin") {
  Opened test(corpus("02-expanded-forwarded.eml"));
  test.page();
  const web::Response page = test.browser.get(test.path + "?view=journal");
  CHECK(shows(page, "member of "));
  CHECK(shows(page, "forwarded from "));
}

TEST_CASE("HTML is shown only in a frame without scripts, loading and links") {
  const std::string html =
      "<html><head><meta http-equiv=refresh "
      "content='0;url=https://evil.example/'><script>alert(1)</script></head>"
      "<body onload='alert(2)'><img src='https://evil.example/x.png'><a href='https://evil.example/'>x</a>"
      "<form action='https://evil.example/'><input name=csrf></form><p>The body.</p></body></html>";
  Opened test("Subject: x\r\nContent-Type: text/html\r\n\r\n" + html);
  CHECK(test.browser.get(test.path + "/html").status == 404);
  const web::Response page = test.page();
  CHECK_FALSE(shows(page, "evil.example"));
  CHECK(shows(page, "sandbox=\"\""));
  CHECK(shows(page, "src=\"" + test.path + "/html\""));
  const std::string page_policy(page.headers.get("Content-Security-Policy"));
  CHECK(page_policy.find("frame-src 'self'") != std::string::npos);
  CHECK(page_policy.find("script-src 'self'") != std::string::npos);
  CHECK(page_policy.find("unsafe") == std::string::npos);

  const web::Response frame = test.browser.get(test.path + "/html");
  CHECK(frame.status == 200);
  CHECK(shows(frame, "<p>The body.</p>"));
  for (const char* harmful : {"src=", "href=", "<meta", "<script", "<form", "<input", "onload"})
    CHECK_FALSE(shows(frame, harmful));
  CHECK(frame.content_type == "text/html; charset=utf-8");
  CHECK(frame.headers.get("Content-Security-Policy") ==
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'");
  CHECK(frame.headers.get("X-Frame-Options") == "SAMEORIGIN");
  CHECK(frame.headers.get("Set-Cookie").empty());
  CHECK(frame.headers.get("Referrer-Policy") == "no-referrer");
  web::Response sent = frame;
  web::harden(sent, true);
  CHECK(sent.headers.all("Content-Security-Policy").size() == 1);
  CHECK(sent.headers.get("Cache-Control") == "no-store");
}

TEST_CASE("Content of a mail is shown as text, whatever it is") {
  const std::string script = "<script>alert(1)</script>";
  Opened test("From: \"" + script + "\" <a@b.example>\r\nSubject: " + script +
              " =?utf-8?q?=3Cimg_src=3Dx_onerror=3Dalert(1)=3E?=\r\nX-" + std::string(300, 'x') + ": " +
              script + "\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + script +
              "\"' onmouseover=alert(1)\r\n--b\r\nContent-Type: application/x-<b>; name=\"../../" + script +
              ".exe\"\r\n\r\nx\r\n--b--\r\n");
  test.page();
  for (const char* view :
       {"text", "html", "journal", "headers", "envelope", "raw", "stored", "<script>alert(1)"}) {
    CAPTURE(view);
    const web::Response page = test.browser.get(test.path + "?view=" + web::url_part(view));
    CHECK_FALSE(shows(page, "<script>alert"));
    CHECK_FALSE(shows(page, "<img src=x"));
    CHECK_FALSE(shows(page, "<b>"));
    CHECK(shows(page, "&lt;script&gt;alert(1)"));
  }
}

TEST_CASE("Huge headers and texts are cut with a notice; invalid UTF-8 and control characters do no harm") {
  std::string mail = "Subject: \xff\xfe\x1b[31m\x00 nul\r\n"s;
  for (int i = 0; i < 2000; ++i)
    mail += "X-Many-" + std::to_string(i) + ": " + std::string(200, 'v') + "\r\n";
  mail += "\r\n\xc3\x28\xe2\x80\xae text ";
  while (mail.size() < (2 << 20)) mail += "and more and more of it ";
  Opened test(mail);
  const web::Response page = test.page();
  CHECK(valid_utf8(page.body));
  CHECK_FALSE(shows(page, "\x1b"));
  CHECK(page.body.find('\0') == std::string::npos);
  CHECK(page.body.size() < 1 << 20);
  CHECK(shows(test.browser.get(test.path + "?view=headers"), "The header is longer than what is shown."));
  CHECK(shows(page, "Only the first 256.0\u00a0KiB are shown."));
}

TEST_CASE("A damaged message is reported, and its download ends early") {
  std::string large = "Subject: x\r\n\r\n";
  while (large.size() < 200'000) large += "A line of text that goes on and on.\r\n";
  Opened test(large);
  REQUIRE(shows(test.page(), "Complete and unaltered"));
  constexpr std::uint64_t kAt = 150'000;
  test.vault.store.alter = [](const MessageId&, std::uint64_t offset, std::span<std::byte> data) {
    if (offset <= kAt && kAt - offset < data.size()) data[kAt - offset] ^= std::byte{1};
  };
  test.browser.post(test.path + "/close", {});
  const web::Response page = test.page();
  CHECK(shows(page, "This message is damaged"));
  CHECK_FALSE(shows(page, "Complete and unaltered"));
  bool whole = true;
  const web::Response download = test.browser.post(test.path + "/eml", {});
  CHECK(streamed(download, whole).size() < large.size());
  CHECK_FALSE(whole);
}

TEST_CASE(
    "Messages are set aside, brought back and removed after a question, with who did it in the history") {
  Opened test(kPlain, "operator");
  const auto change = [&](const char* what, bool sure) {
    Form form{{"change", what}, {"id", test.id.hex()}};
    if (sure) form.emplace_back("sure", "yes");
    return test.browser.post("/mailboxes/journal/change-messages", form);
  };
  const auto state = [&] { return state_of(test.vault, test.mailbox.id, test.id); };
  const web::Response question = change("quarantine", false);
  CHECK(question.status == 200);
  CHECK(shows(question, test.id.hex()));
  CHECK(state() == store::State::Live);
  CHECK(change("quarantine", true).status == 303);
  CHECK(state() == store::State::Quarantined);
  CHECK(leaves(test.vault, test.mailbox.id).back().actor.find("console operator from 192.0.2.7") !=
        std::string::npos);
  CHECK(change("restore", true).status == 303);
  CHECK(state() == store::State::Live);
  const web::Response impossible =
      test.browser.post("/mailboxes/journal/change-messages",
                        {{"change", "restore"}, {"id", MessageId().hex()}, {"sure", "yes"}});
  CHECK(impossible.status == 409);
  CHECK(test.browser.post("/mailboxes/journal/change-messages", {{"change", "read"}}).status == 400);
  CHECK(test.browser.post("/mailboxes/journal/change-messages", {{"change", "remove"}, {"id", "../x"}})
            .status == 400);
  CHECK(test.browser
            .post_without_token("/mailboxes/journal/change-messages",
                                {{"change", "remove"}, {"id", test.id.hex()}, {"sure", "yes"}})
            .status == 403);
  CHECK(state() == store::State::Live);
  CHECK(location(change("remove", true)) == "/mailboxes/journal/messages?done=changed");
  CHECK_FALSE(test.vault.store.find(test.mailbox.id, test.id));
  CHECK(test.browser.get(test.path).status == 404);
}

TEST_CASE("A viewer changes no message, and no account reaches messages of a hidden mailbox") {
  Opened test(kPlain);
  const Form removal{{"change", "remove"}, {"id", test.id.hex()}, {"sure", "yes"}};
  CHECK(test.browser.post("/mailboxes/journal/change-messages", removal).status == 403);
  CHECK_FALSE(shows(test.browser.get(test.path), "value=\"quarantine\""));
  test.page();

  test.vault.add_account("acme", vault::Role::Administrator, {"acme-*"});
  Browser limited(test.vault);
  limited.sign_in("acme");
  limited.get("/mailboxes");
  CHECK(limited.get(test.path).status == 404);
  CHECK(limited.get(test.path + "/html").status == 404);
  CHECK(limited.post(test.path + "/open", {{"password", std::string(kConsolePassword)}}).status == 404);
  CHECK(limited.post(test.path + "/eml", {}).status == 404);
  CHECK(limited.post("/mailboxes/journal/change-messages", removal).status == 404);
  // A message is no message of another mailbox.
  test.vault.add_mailbox("acme-own");
  CHECK(limited.get("/mailboxes/acme-own/messages/" + test.id.hex()).status == 404);
  CHECK(state_of(test.vault, test.mailbox.id, test.id) == store::State::Live);
}

TEST_CASE("An opened message closes if the account may not see the mailbox any more") {
  Opened test(kPlain);
  REQUIRE(shows(test.page(), "The secret text."));
  const auto account = vault::find_account(test.vault.store, "viewer");
  REQUIRE(account);
  vault::Account limited = *account;
  limited.only = {"other-*"};
  REQUIRE(vault::change_account(test.vault.store, limited, "only other-*", "test"));
  CHECK(test.browser.get(test.path).status == 404);
  CHECK(test.browser.get(test.path + "/html").status == 404);
  CHECK(test.browser.post(test.path + "/eml", {}).status == 404);
}

TEST_CASE("Attachments are downloaded one by one, as files that a browser does not show") {
  std::string large;
  while (large.size() < 200'000) large += "0123456789abcdef\n";
  const std::string boundary = "\r\n--b\r\n";
  Opened test("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext" + boundary +
              "Content-Type: text/html; name*=UTF-8''%E2%80%AEfdp.%22exe%0D%0A.html\r\nContent-Disposition: "
              "attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n" +
              boundary + "Content-Type: application/pdf\r\n\r\n" + large + "\r\n--b--\r\n");
  const web::Response page = test.page();
  CHECK(shows(page, "action=\"" + test.path + "/attachment\""));
  CHECK_FALSE(shows(page, "\u202e"));
  const auto get = [&](const std::string& part) {
    return test.browser.post(test.path + "/attachment", {{"part", part}});
  };
  const web::Response first = get("0");
  bool whole = false;
  CHECK(streamed(first, whole) == "<b>hi</b>");
  CHECK(whole);
  CHECK(first.content_type == "application/octet-stream");
  const std::string disposition(first.headers.get("Content-Disposition"));
  CHECK(disposition.starts_with("attachment; filename=\"fdp._exe"));
  CHECK(web::valid_header("Content-Disposition", disposition));
  CHECK(disposition.find("%E2%80%AE") == std::string::npos);
  CHECK(first.headers.get("Content-Security-Policy").starts_with("sandbox; default-src 'none'"));
  CHECK(first.headers.get("X-Content-Type-Options") == "nosniff");
  CHECK(streamed(get("1"), whole) == large);
  CHECK(get("1").headers.get("Content-Disposition").starts_with("attachment; filename=\"attachment-2\""));
  CHECK(get("2").status == 404);
  CHECK(get("-1").status == 400);
  CHECK(test.browser.get(test.path + "/attachment?part=0").status == 405);
  CHECK(leaves(test.vault, test.mailbox.id).back().actor.ends_with(", attachment downloaded"));
  // Only while the message is open, and only for its session.
  test.vault.pass(301s);
  CHECK(get("0").status == 303);
}

TEST_CASE("A mailbox opened with its password shows and searches subjects and senders for five minutes") {
  Opened test(kPlain, "operator");
  const MessageId second = test.vault.deliver(
      test.mailbox, "From: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe_<b>?=\r\n\r\nx\r\n");
  const std::string list = "/mailboxes/journal/messages";
  const auto open = [&](Browser& browser, std::string_view password = kConsolePassword) {
    return browser.post("/mailboxes/journal/open", {{"password", std::string(password)}});
  };
  const web::Response wrong = open(test.browser, "not the password of it");
  CHECK(wrong.status == 403);
  CHECK(shows(wrong, "The password is wrong."));
  CHECK(test.vault.console->opened_mailboxes().count() == 0);
  CHECK_FALSE(shows(test.browser.get(list + "?subject=hello"), "Hello"));

  CHECK(location(open(test.browser)) == list);
  const store::Leaf noted = leaves(test.vault, test.mailbox.id).back();
  CHECK(noted.type == store::LeafType::Opened);
  CHECK(noted.actor == "console operator from 192.0.2.7, mailbox journal: opened");
  const web::Response page = test.browser.get(list);
  CHECK(page.secret);
  CHECK(shows(page, ">Hello</button>"));
  CHECK(shows(page, "Grüße &lt;b&gt;"));
  CHECK(shows(page, "Ann &lt;ann@example.com&gt;"));
  CHECK(shows(page, "data-until"));
  const web::Response found = test.browser.get(list + "?subject=HELL");
  CHECK(shows(found, test.id.hex()));
  CHECK_FALSE(shows(found, second.hex()));
  const web::Response sender = test.browser.get(list + "?from=bob@");
  CHECK(shows(sender, second.hex()));
  CHECK_FALSE(shows(sender, test.id.hex()));

  // A message opens without the password.
  CHECK(test.browser.post(test.path + "/open", {}).status == 303);
  CHECK(shows(test.browser.get(test.path), "The secret text."));
  CHECK(leaves(test.vault, test.mailbox.id).back().type == store::LeafType::Exported);

  // No other session has it open.
  Browser other(test.vault);
  other.sign_in("administrator");
  CHECK_FALSE(shows(other.get(list), "Hello"));
  CHECK(other.post("/mailboxes/journal/messages/" + second.hex() + "/open", {}).status == 303);
  CHECK_FALSE(shows(other.get("/mailboxes/journal/messages/" + second.hex()), "Gr"));

  test.vault.pass(4min);
  CHECK(shows(test.browser.get(list), "Hello"));
  test.vault.pass(61s);
  CHECK_FALSE(shows(test.browser.get(list), "Hello"));
  CHECK(test.vault.console->opened_mailboxes().count() == 0);

  REQUIRE(open(test.browser).status == 303);
  CHECK(test.browser.post("/mailboxes/journal/close", {}).status == 303);
  CHECK_FALSE(shows(test.browser.get(list), "Hello"));
  REQUIRE(open(test.browser).status == 303);
  test.browser.post("/sign-out", {});
  CHECK(test.vault.console->opened_mailboxes().count() == 0);
}

TEST_CASE("The list of an open mailbox shows the sender that a journal report names, and damage") {
  Opened test(corpus("01-basic-to-cc-bcc.eml"));
  const MessageId broken = test.vault.deliver(test.mailbox, kPlain);
  test.vault.store.alter = [&](const MessageId& id, std::uint64_t, std::span<std::byte> data) {
    if (id == broken && !data.empty()) data.back() ^= std::byte{1};
  };
  test.browser.post("/mailboxes/journal/open", {{"password", std::string(kConsolePassword)}});
  const web::Response page = test.browser.get("/mailboxes/journal/messages");
  CHECK(page.status == 200);
  CHECK(shows(page, "damaged"));
  CHECK_FALSE(shows(page, "(no subject)"));
}

TEST_CASE("A new password or key of a mailbox closes it in every session") {
  Opened test(kPlain, "administrator");
  const auto open = [&] {
    test.browser.post("/mailboxes/journal/open", {{"password", std::string(kConsolePassword)}});
    return test.vault.console->opened_mailboxes().count();
  };
  REQUIRE(open() == 1);
  CHECK(
      test.browser.post("/mailboxes/journal/rotate", {{"password", std::string(kConsolePassword)}}).status ==
      303);
  CHECK(test.vault.console->opened_mailboxes().count() == 0);
}

TEST_CASE("A change without marked messages is refused, and all can be marked without JavaScript") {
  Opened test(kPlain, "operator");
  const std::string list = "/mailboxes/journal/messages";
  const std::string here = list + "?before=0&state=live";
  const auto none =
      test.browser.post("/mailboxes/journal/change-messages", {{"change", "remove"}, {"back", here}});
  CHECK(location(none) == here + "&problem=none-chosen");
  CHECK(shows(test.browser.get(location(none)), "first select one or more messages"));
  for (const char* elsewhere :
       {"//evil.example", "https://evil.example/", "/sign-out", "/mailboxes/journal/messages-x"})
    CHECK(location(test.browser.post("/mailboxes/journal/change-messages",
                                     {{"change", "remove"}, {"back", elsewhere}})) ==
          list + "?problem=none-chosen");
  CHECK(shows(test.browser.get(here + "&select=all"), "value=\"" + test.id.hex() + "\" checked"));
  CHECK_FALSE(shows(test.browser.get(here), "value=\"" + test.id.hex() + "\" checked"));
  const web::Response sure = test.browser.post("/mailboxes/journal/change-messages",
                                               {{"change", "remove"}, {"id", test.id.hex()}, {"back", here}});
  CHECK(shows(sure, "<h1>Remove 1 message permanently?</h1>"));
  CHECK(shows(sure, "This cannot be undone."));
  CHECK(shows(sure, ">Remove 1 message</button>"));
}
