#include "src/text/sentencepiece_shim.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstring>
#include <exception>
#include <string>
#include <unordered_map>

struct SentencePiece {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

class Lines : public sentencepiece::SentenceIterator {
public:
  Lines(const char *const *lines, int count) : lines_(lines), count_(count) { Load(); }
  bool done() const override { return at_ >= count_; }
  void Next() override {
    at_++;
    Load();
  }
  const std::string &value() const override { return value_; }
  sentencepiece::util::Status status() const override { return {}; }

private:
  void Load() {
    if (at_ < count_) value_ = lines_[at_];
  }
  const char *const *lines_;
  int count_, at_ = 0;
  std::string value_;
};

} // namespace

SentencePiece *sentencepiece_train(const char *const *lines, int count, const char *model_type, int vocab_size,
                                   char **error) {
  std::string reason;
  try {
    Lines iterator(lines, count);
    std::string proto;
    const bool at_most = !std::strcmp(model_type, "char");
    const std::unordered_map<std::string, std::string> settings = {
        {"model_type", model_type},
        {"vocab_size", std::to_string(vocab_size)},
        {"hard_vocab_limit", at_most ? "false" : "true"},
        {"character_coverage", "1.0"},
        {"normalization_rule_name", "identity"}, /* the caller has normalised */
        {"max_sentence_length", "1000000000"},   /* skip no line */
        {"num_threads", "1"},                    /* sums in one order */
        {"shuffle_input_sentence", "false"},
        {"unk_id", "0"},
        {"bos_id", "-1"},
        {"eos_id", "-1"},
        {"pad_id", "-1"},
        {"minloglevel", "4"}, /* quiet */
    };
    sentencepiece::util::Status status = sentencepiece::SentencePieceTrainer::Train(settings, &iterator, &proto);
    if (status.ok()) {
      auto *model = new SentencePiece;
      status = model->processor.LoadFromSerializedProto(proto);
      if (status.ok()) return model;
      delete model;
    }
    reason = status.ToString();
  } catch (const std::exception &exception) {
    reason = exception.what();
  }
  *error = strdup(reason.c_str());
  return nullptr;
}

void sentencepiece_free(SentencePiece *model) { delete model; }

int sentencepiece_size(const SentencePiece *model) { return model->processor.GetPieceSize(); }

const char *sentencepiece_piece(const SentencePiece *model, int id) {
  return model->processor.IdToPiece(id).c_str();
}

float sentencepiece_score(const SentencePiece *model, int id) { return model->processor.GetScore(id); }

int sentencepiece_encode(const SentencePiece *model, const char *text, int *ids, int limit) {
  std::vector<int> all;
  if (!model->processor.Encode(text, &all).ok()) return -1;
  for (int i = 0; i < limit && i < static_cast<int>(all.size()); i++) ids[i] = all[i];
  return static_cast<int>(all.size());
}
