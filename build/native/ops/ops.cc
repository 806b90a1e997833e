// Noiseloom's own ops for native TensorFlow on the processor. Each takes one or two passes over memory where TensorFlow's own
// ops would take many. They register with TensorFlow when this library is loaded and are called by name like any other op, see
// electron/devices/native/nativeOps.ts. All values are float32, with channels last.
#include <node_api.h>

#include "activations.h"
#include "adamW.h"
#include "attention.h"
#include "convolution3x3.h"
#include "filterGradient3x3.h"
#include "groupNorm.h"
#include "layerNorm.h"
#include "matMul.h"
#include "softmax.h"
#include "sums.h"
#include "toFloat32.h"

namespace {

std::string registerOps() {
  return registerOp<GroupNormAttributes, groupNorm>("NoiseloomGroupNorm", {"x", "scale", "offset"}, {"y", "m", "r"}) +
         registerOp<GroupNormAttributes, groupNormGradient>("NoiseloomGroupNormGradient",
                                                            {"dy", "x", "scale", "offset", "m", "r"}, {"dx"}) +
         registerOp<GroupNormAttributes, groupNormWeightGradients>(
             "NoiseloomGroupNormWeightGradients", {"dy", "x", "scale", "offset", "m", "r"}, {"d_scale", "d_offset"}) +
         registerOp<LayerNormAttributes, layerNorm>("NoiseloomLayerNorm", {"x", "scale", "offset"}, {"y", "m", "r"}) +
         registerOp<NoAttributes, layerNormGradient>("NoiseloomLayerNormGradient", {"dy", "x", "scale", "m", "r"},
                                                     {"dx"}) +
         registerOp<NoAttributes, layerNormScaleGradient>("NoiseloomLayerNormScaleGradient", {"dy", "x", "m", "r"},
                                                          {"d_scale"}) +
         registerOp<SumAxesAttributes, sumAxes>("NoiseloomSum", {"x"}, {"y"}) +
         registerOp<NoAttributes, addPerImage>("NoiseloomAddPerImage", {"x", "offset"}, {"y"}) +
         registerOp<ListAttributes, adamW>("NoiseloomAdamW",
                                           {"gradients*", "parameters*", "m", "v", "average", "factors"},
                                           {"next_m", "next_v", "next_average", "next_parameters*"}) +
         registerOp<SwishAttributes, swishOp>("NoiseloomSwish", {"x"}, {"y"}) +
         registerOp<SwishAttributes, swishGradientOp>("NoiseloomSwishGradient", {"dy", "x"}, {"dx"}) +
         registerOp<NoAttributes, geluOp>("NoiseloomGelu", {"x"}, {"y"}) +
         registerOp<NoAttributes, geluGradientOp>("NoiseloomGeluGradient", {"dy", "x"}, {"dx"}) +
         registerOp<NoAttributes, gegluOp>("NoiseloomGeglu", {"x"}, {"y"}) +
         registerOp<NoAttributes, gegluGradientOp>("NoiseloomGegluGradient", {"dy", "x"}, {"dx"}) +
         registerOp<NoAttributes, softmax>("NoiseloomSoftmax", {"logits"}, {"y"}) +
         registerOp<NoAttributes, softmaxGradient>("NoiseloomSoftmaxGradient", {"p", "dp", "level"}, {"ds"}) +
         registerOp<ToFloat32Attributes, toFloat32>("NoiseloomToFloat32", {"halves"}, {"y"}) +
         registerOp<AttentionAttributes, attention>("NoiseloomAttention", {"q", "k", "v"}, {"y"}) +
         registerOp<AttentionAttributes, attentionGradient>("NoiseloomAttentionGradient", {"q", "k", "v", "dy", "y"},
                                                            {"dq", "dk", "dv"}) +
         registerOp<MatMulAttributes, matMul>("NoiseloomMatMul", {"a", "b"}, {"y"}) +
         registerOp<MatMulAttributes, matMul>("NoiseloomMatMulWithBias", {"a", "b", "bias"}, {"y"}) +
         registerOp<NoAttributes, addProduct>("NoiseloomAddProduct", {"start", "a", "b"}, {"y"}) +
         registerOp<ConvolutionAttributes, convolution3x3>("NoiseloomConvolution3x3", {"x", "kernels"}, {"y"}) +
         registerOp<ConvolutionAttributes, convolution3x3>("NoiseloomConvolution3x3WithBias", {"x", "kernels", "bias"},
                                                           {"y"}) +
         registerOp<NoAttributes, filterGradient3x3>("NoiseloomFilterGradient3x3", {"x", "dy"}, {"kernels"});
}

}  // namespace

NAPI_MODULE_INIT() {
  static const std::string problem = registerOps();  // once per process, however often Node loads this library
  if (!problem.empty()) napi_throw_error(env, nullptr, problem.c_str());
  return exports;
}
