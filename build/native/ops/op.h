// How an op is registered with TensorFlow, and what each of its calls works with.
#pragma once
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "tensorflow.h"
#include "workspace.h"

namespace {

typedef std::vector<int64_t> Shape;

inline int64_t countElements(const Shape& shape) {
  int64_t count = 1;
  for (int64_t length : shape) count *= length;
  return count;
}

/** Thrown where TensorFlow reports a failure; it has been told already. */
struct CallFailed {};

/** One call of an op: its inputs, and the outputs that it allocates. All values are float32. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  Call(const Call&) = delete;
  ~Call() {
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  int countInputs() const { return TF_NumInputs(context_); }

  const float* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    return static_cast<const float*>(hold(tensor));
  }

  Shape shape(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    hold(tensor);
    Shape shape(TF_NumDims(tensor));
    for (size_t axis = 0; axis < shape.size(); axis++) shape[axis] = TF_Dim(tensor, axis);
    return shape;
  }

  /** The memory of output `i`, with any content. */
  float* output(int i, const Shape& shape) {
    const int64_t bytes = 4 * countElements(shape);
    void* data = hold(TF_AllocateOutput(context_, i, 1 /* TF_FLOAT */, shape.data(), shape.size(), bytes, status_));
    useLargePages(data, bytes);
    return static_cast<float*>(data);
  }

  void fail(int code, const char* message) {
    TF_SetStatus(status_, code, message);
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  void* hold(TF_Tensor* tensor) {
    if (tensor) tensors_.push_back(tensor);
    if (TF_GetCode(status_) == 0 && tensor) return TF_TensorData(tensor);
    TF_OpKernelContext_Failure(context_, status_);
    throw CallFailed();
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
};

/** Reads the attributes of a kernel while TensorFlow constructs it. */
class AttributeReader {
 public:
  explicit AttributeReader(TF_OpKernelConstruction* construction)
      : construction_(construction), status_(TF_NewStatus()) {}
  AttributeReader(const AttributeReader&) = delete;
  ~AttributeReader() {
    if (TF_GetCode(status_) != 0) TF_OpKernelConstruction_Failure(construction_, status_);
    TF_DeleteStatus(status_);
  }

  float readFloat(const char* name) {
    float value = 0;
    if (TF_GetCode(status_) == 0) TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status_);
    return value;
  }
  int64_t readInt(const char* name) {
    int64_t value = 0;
    if (TF_GetCode(status_) == 0) TF_OpKernelConstruction_GetAttrInt64(construction_, name, &value, status_);
    return value;
  }
  bool readBool(const char* name) {
    unsigned char value = 0;
    if (TF_GetCode(status_) == 0) TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status_);
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* construction_;
  TF_Status* status_;
};

/**
 * The attributes of an op are a struct that TensorFlow constructs once for each set of values: `specs` declares them to
 * TensorFlow ("name: type") and its constructor reads them.
 */
struct NoAttributes {
  static constexpr std::initializer_list<const char*> specs{};
  explicit NoAttributes(AttributeReader&) {}
};

/** Of an op with lists of N inputs or outputs. */
struct ListAttributes {
  static constexpr std::initializer_list<const char*> specs{"N: int >= 1"};
  explicit ListAttributes(AttributeReader&) {}
};

template <typename Attributes>
void* construct(TF_OpKernelConstruction* construction) {
  AttributeReader reader(construction);
  return new Attributes(reader);
}

template <typename Attributes, void (*body)(const Attributes&, Call&)>
void compute(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  try {
    body(*static_cast<const Attributes*>(attributes), call);
  } catch (const CallFailed&) {
  } catch (const std::bad_alloc&) {
    call.fail(8 /* TF_RESOURCE_EXHAUSTED */, "OOM: there is not enough memory to work in.");
  }
}

template <typename Attributes>
void destroy(void* attributes) {
  delete static_cast<Attributes*>(attributes);
}

typedef std::initializer_list<const char*> Names;

/** The declaration of an input or output: `name`, or `name*` for a list of N. */
inline std::string declare(std::string name) {
  const bool isList = name.back() == '*';
  if (isList) name.pop_back();
  return name + (isList ? ": N * float" : ": float");
}

/** Makes `body` an op on the processor. Returns what went wrong, or an empty string. */
template <typename Attributes, void (*body)(const Attributes&, Call&)>
std::string registerOp(const char* name, Names inputs, Names outputs) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, declare(input).c_str());
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, declare(output).c_str());
  for (const char* spec : Attributes::specs) TF_OpDefinitionBuilderAddAttr(op, spec);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, TF_ShapeInferenceContextSetUnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(
        name, TF_NewKernelBuilder(name, "CPU", construct<Attributes>, compute<Attributes, body>, destroy<Attributes>),
        status);
  const std::string problem = TF_GetCode(status) == 0 ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  return problem;
}

}  // namespace
