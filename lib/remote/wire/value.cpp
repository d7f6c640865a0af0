#include <remote/wire/value.h>

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/Generator.h>

#include <sstream>

#include <remote/wire/limits.h>

namespace remote::wire {
namespace {

void put_tag(ByteWriter& out, Tag tag) { out.u8(static_cast<uint8_t>(tag)); }

Status refuse(std::string what) { return {StatusCode::kInvalidArgument, std::move(what)}; }

/// Room for one element of any dtype.
struct Element {
  alignas(16) uint8_t bytes[16] = {};
};

Status refuse_tensor(const at::Tensor& tensor, const ArgumentDescriber& describer) {
  std::ostringstream text;
  text << "expected all tensors of the op on one remote worker, but got ";
  if (tensor.layout() != at::kStrided) {
    text << "one of layout " << tensor.layout() << " on " << tensor.device() << "; workers hold dense tensors";
  } else if (tensor.device().str() == describer.place()) {
    text << "one of shape " << tensor.sizes() << " over memory that is no worker's (from DLPack, perhaps); copy the "
         << "tensor that it was made of";
  } else {
    text << "one of shape " << tensor.sizes() << " on " << tensor.device() << "; move it with .to(\""
         << describer.place() << "\") first (only 0-dim CPU tensors and CPU indices are taken along)";
  }
  return refuse(text.str());
}

Status write_scalar_tensor(ByteWriter& out, const at::Tensor& tensor) {
  const at::Tensor value = tensor.is_conj() || tensor.is_neg() ? tensor.resolve_conj().resolve_neg() : tensor;
  Element element;
  std::memcpy(element.bytes, value.const_data_ptr(), value.itemsize());
  put_tag(out, Tag::kScalarTensor);
  out.u8(static_cast<uint8_t>(value.scalar_type()));
  out.u8(tensor.unsafeGetTensorImpl()->is_wrapped_number() ? 1 : 0);
  out.raw(element.bytes, sizeof element.bytes);
  return {};
}

Status write_tensor(ByteWriter& out, const at::Tensor& tensor, ArgumentDescriber& describer) {
  if (!tensor.defined()) return put_tag(out, Tag::kUndefinedTensor), Status();
  TensorRef ref;
  if (!describer.describe(tensor, ref)) {
    if (!tensor.device().is_cpu() || tensor.dim() != 0 || tensor.layout() != at::kStrided)
      return refuse_tensor(tensor, describer);
    return write_scalar_tensor(out, tensor);
  }
  put_tag(out, Tag::kTensor);
  write_tensor_ref(out, ref);
  return {};
}

Status write_list(ByteWriter& out, const c10::IValue& value, ArgumentDescriber& describer) {
  const auto list = value.toListRef();
  if (list.size() > kMaxListElements) return refuse("a list argument has more elements than the protocol carries");
  const auto& element = *value.toList().elementType();
  const auto kind = element.kind();
  if (kind == c10::TypeKind::TensorType || kind == c10::TypeKind::OptionalType) {
    put_tag(out, kind == c10::TypeKind::TensorType ? Tag::kTensorList : Tag::kOptionalTensorList);
    out.varint(list.size());
    for (const auto& item : list) {
      if (item.isNone()) {
        put_tag(out, Tag::kNone);
      } else if (item.isTensor()) {
        REMOTE_RETURN_IF_ERROR(write_tensor(out, item.toTensor(), describer));
      } else {
        return refuse("a list argument of type " + element.str() + " has no form on the wire");
      }
    }
    return {};
  }
  put_tag(out, Tag::kScalarList);
  out.varint(list.size());
  for (const auto& item : list) {
    if (!item.isScalar()) return refuse("a list argument of type " + element.str() + " has no form on the wire");
    REMOTE_RETURN_IF_ERROR(write_value(out, item, describer));
  }
  return {};
}

/// A number of any kind. Never a list: a list of numbers that could hold lists would let a sender choose how deep the
/// reader recurses.
c10::IValue read_scalar(ByteReader& in, Tag tag) {
  switch (tag) {
    case Tag::kInt: return in.svarint();
    case Tag::kDouble: return in.f64();
    case Tag::kBool: return in.u8() != 0;
    case Tag::kUnsigned:
      return c10::Scalar(in.varint());
    case Tag::kComplex: {
      const double real = in.f64();
      return c10::complex<double>(real, in.f64());
    }
    default: return in.fail(), c10::IValue();
  }
}

at::Tensor read_tensor(ByteReader& in, Tag tag, ArgumentResolver& resolver, size_t argument) {
  switch (tag) {
    case Tag::kUndefinedTensor: return {};
    case Tag::kTensor: {
      const TensorRef ref = read_tensor_ref(in);
      return in.ok() ? resolver.resolve(ref, argument) : at::Tensor();
    }
    case Tag::kScalarTensor: {
      const auto dtype = static_cast<c10::ScalarType>(in.u8());
      const uint8_t wrapped = in.u8();
      const auto bytes = in.raw(sizeof(Element));
      if (!in.ok() || dtype >= c10::ScalarType::Undefined || c10::isQIntType(dtype) ||
          c10::elementSize(dtype) > sizeof(Element)) {
        return in.fail(), at::Tensor();
      }
      // Not through the dispatcher: this is on the way of every op that has a number among its tensors.
      at::Tensor tensor = at::detail::empty_cpu({}, dtype);
      void* element = tensor.mutable_data_ptr();
      std::memcpy(element, bytes.data(), tensor.itemsize());
      // A bool that is neither 0 nor 1 is undefined behaviour in whatever reads it.
      if (dtype == c10::ScalarType::Bool) *static_cast<uint8_t*>(element) = bytes[0] != 0 ? 1 : 0;
      if (wrapped != 0) tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
      return tensor;
    }
    default: return in.fail(), at::Tensor();
  }
}

}  // namespace

Status write_value(ByteWriter& out, const c10::IValue& value, ArgumentDescriber& describer) {
  if (value.isTensor()) return write_tensor(out, value.toTensor(), describer);
  if (value.isNone()) return put_tag(out, Tag::kNone), Status();
  if (value.isInt()) return put_tag(out, Tag::kInt), out.svarint(value.toInt()), Status();
  if (value.isDouble()) return put_tag(out, Tag::kDouble), out.f64(value.toDouble()), Status();
  if (value.isBool()) return put_tag(out, Tag::kBool), out.u8(value.toBool() ? 1 : 0), Status();
  if (value.isIntList()) {
    put_tag(out, Tag::kIntList);
    const auto list = value.toIntList();
    out.varint(list.size());
    for (int64_t item : list) out.svarint(item);
    return {};
  }
  if (value.isTensorList()) {
    const auto list = value.toTensorList();
    put_tag(out, Tag::kTensorList);
    out.varint(list.size());
    for (size_t i = 0; i < list.size(); ++i) REMOTE_RETURN_IF_ERROR(write_tensor(out, list.get(i), describer));
    return {};
  }
  if (value.isGenerator()) {
    // An undefined generator arrives as a generator without an object; toGenerator() would throw.
    if (!value.isPtrType()) return put_tag(out, Tag::kNone), Status();
    auto id = describer.describe(value.toGenerator());
    if (!id.ok()) return id.status();
    put_tag(out, Tag::kGenerator);
    out.varint(*id);
    return {};
  }
  if (value.isComplexDouble()) {
    put_tag(out, Tag::kComplex);
    const auto number = value.toComplexDouble();
    out.f64(number.real());
    out.f64(number.imag());
    return {};
  }
  if (value.isUnsigned()) return put_tag(out, Tag::kUnsigned), out.varint(value.toUInt()), Status();
  if (value.isString()) return put_tag(out, Tag::kString), out.string(value.toStringRef()), Status();
  if (value.isDevice()) {
    put_tag(out, Tag::kDevice);
    out.u8(value.toDevice().is_cpu() ? 1 : 0);
    return {};
  }
  if (value.isSymInt()) return put_tag(out, Tag::kInt), out.svarint(value.toSymInt().expect_int()), Status();
  if (value.isDoubleList()) {
    put_tag(out, Tag::kDoubleList);
    const auto list = value.toDoubleList();
    out.varint(list.size());
    for (double item : list) out.f64(item);
    return {};
  }
  if (value.isBoolList()) {
    put_tag(out, Tag::kBoolList);
    const auto list = value.toBoolList();
    out.varint(list.size());
    for (bool item : list) out.u8(item ? 1 : 0);
    return {};
  }
  if (value.isList()) return write_list(out, value, describer);
  return refuse("an argument of type " + value.tagKind() + " has no form on the wire");
}

c10::IValue read_value(ByteReader& in, ArgumentResolver& resolver, size_t argument) {
  const auto tag = static_cast<Tag>(in.u8());
  switch (tag) {
    case Tag::kNone: return {};
    case Tag::kTensor:
    case Tag::kUndefinedTensor:
    case Tag::kScalarTensor: return read_tensor(in, tag, resolver, argument);
    case Tag::kInt:
    case Tag::kDouble:
    case Tag::kBool:
    case Tag::kUnsigned:
    case Tag::kComplex: return read_scalar(in, tag);
    case Tag::kString: return std::string(in.string(kMaxStringBytes));
    case Tag::kDevice: return in.u8() == 0 ? resolver.device() : c10::Device(c10::kCPU);
    case Tag::kGenerator: return resolver.resolve_generator(in.varint());
    case Tag::kIntList: {
      c10::List<int64_t> list;
      const size_t n = in.count(kMaxListElements);
      list.reserve(n);
      for (size_t i = 0; i < n; ++i) list.push_back(in.svarint());
      return list;
    }
    case Tag::kDoubleList: {
      c10::List<double> list;
      const size_t n = in.count(kMaxListElements);
      for (size_t i = 0; i < n; ++i) list.push_back(in.f64());
      return list;
    }
    case Tag::kBoolList: {
      c10::List<bool> list;
      const size_t n = in.count(kMaxListElements);
      for (size_t i = 0; i < n; ++i) list.push_back(in.u8() != 0);
      return list;
    }
    case Tag::kTensorList: {
      c10::List<at::Tensor> list;
      const size_t n = in.count(kMaxListElements);
      list.reserve(n);
      for (size_t i = 0; i < n; ++i) list.push_back(read_tensor(in, static_cast<Tag>(in.u8()), resolver, argument));
      return list;
    }
    case Tag::kOptionalTensorList: {
      c10::List<std::optional<at::Tensor>> list;
      const size_t n = in.count(kMaxListElements);
      for (size_t i = 0; i < n; ++i) {
        const auto item = static_cast<Tag>(in.u8());
        if (item == Tag::kNone) {
          list.push_back(std::nullopt);
        } else {
          list.push_back(read_tensor(in, item, resolver, argument));
        }
      }
      return list;
    }
    case Tag::kScalarList: {
      auto list = c10::impl::GenericList(c10::NumberType::get());
      const size_t n = in.count(kMaxListElements);
      for (size_t i = 0; i < n; ++i) {
        list.push_back(read_scalar(in, static_cast<Tag>(in.u8())));
      }
      return list;
    }
  }
  in.fail();
  return {};
}

}  // namespace remote::wire
