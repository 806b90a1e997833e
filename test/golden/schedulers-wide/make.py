"""Writes this folder with diffusers (pip install diffusers torch numpy scipy): python make.py FOLDER"""

import importlib
import json
import os
import struct
import sys

import numpy as np
import torch

FOLDER = sys.argv[1]
TABLES = [2, 3, 6, 18]
SHAPE = (2, 2, 3, 1)
CALLS = 20
MODULES = {
    "EulerDiscreteScheduler": "euler_discrete",
    "EulerAncestralDiscreteScheduler": "euler_ancestral_discrete",
    "DDIMScheduler": "ddim",
    "DDPMScheduler": "ddpm",
    "LCMScheduler": "lcm",
    "PNDMScheduler": "pndm",
    "DPMSolverMultistepScheduler": "dpmsolver_multistep",
    "UniPCMultistepScheduler": "unipc_multistep",
    "FlowMatchEulerDiscreteScheduler": "flow_match_euler_discrete",
}
SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
ZERO_SNR = dict(SD, rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="v_prediction")
COSINE = dict(beta_schedule="squaredcos_cap_v2")
TRAINED = dict(trained_betas=[0.001 + 0.00004 * i for i in range(500)], num_train_timesteps=500)
V, X0 = dict(prediction_type="v_prediction"), dict(prediction_type="sample")
FLOW = dict(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
LEADING, TRAILING = dict(timestep_spacing="leading", steps_offset=1), dict(timestep_spacing="trailing")

CASES = []


def case(name, steps, *parts, eta=0.0, mu=None):
    config = {key: value for part in parts for key, value in part.items()}
    CASES.append((name, steps, config, eta, mu))


E_, A, I, P, L, N = (list(MODULES)[i] for i in range(6))
D, U, F = (list(MODULES)[i] for i in range(6, 9))
for cls in (E_, A, I, P, D, U):
    case(cls, 7, ZERO_SNR)
    case(cls, 3, {})
    case(cls, 5, COSINE, V, LEADING)
    case(cls, 1, SD, TRAILING)
    if cls != A:
        case(cls, 4, TRAINED, X0, dict(timestep_spacing="linspace"))
case(L, 4, ZERO_SNR)
case(L, 7, X0, dict(original_inference_steps=40, clip_sample=True, clip_sample_range=0.7))
case(L, 1, dict(timestep_scaling=5.0))
for clip in (True, False):
    case(I, 5, SD, LEADING, dict(clip_sample=clip, set_alpha_to_one=not clip), eta=0.4)
    case(I, 6, SD, V, dict(timestep_spacing="linspace", clip_sample=clip), eta=1.0)
for kind in ("fixed_small", "fixed_small_log", "fixed_large"):
    case(P, 5, SD, LEADING, dict(variance_type=kind, clip_sample=False))
for law in ("karras", "exponential", "beta"):
    for cls in (E_, D, U):
        case(cls, 6, SD, {f"use_{law}_sigmas": True})
        case(cls, 7, dict(final_sigmas_type="sigma_min"), {f"use_{law}_sigmas": True})
    case(F, 5, dict(shift=2.0), {f"use_{law}_sigmas": True})
case(E_, 5, SD, dict(use_karras_sigmas=True, sigma_min=0.1, sigma_max=10.0))
case(U, 5, SD, dict(use_karras_sigmas=True, sigma_min=0.1, sigma_max=10.0))
case(E_, 5, SD, V, dict(timestep_type="continuous"))
case(E_, 5, SD, dict(interpolation_type="log_linear"))
for order in (1, 2, 3):
    for kind in ("midpoint", "heun"):
        case(D, 5, SD, dict(solver_order=order, solver_type=kind, lower_order_final=False))
        case(D, 16, SD, V, dict(solver_order=order, solver_type=kind, final_sigmas_type="sigma_min"))
        case(D, 6, SD, dict(solver_order=order, solver_type=kind, algorithm_type="dpmsolver", final_sigmas_type="sigma_min"))
        if order < 3:
            case(D, 6, SD, dict(solver_order=order, solver_type=kind, algorithm_type="sde-dpmsolver++"))
case(D, 15, SD, dict(euler_at_final=True, final_sigmas_type="sigma_min"))
case(D, 6, COSINE, dict(lambda_min_clipped=-5.1))
case(D, 6, SD, dict(use_lu_lambdas=True))
case(D, 6, FLOW)
case(D, 6, FLOW, dict(solver_order=3, use_dynamic_shifting=True), mu=0.6)
for order in (1, 2, 3, 4):
    for kind in ("bh1", "bh2"):
        case(U, 7, SD, dict(solver_order=order, solver_type=kind, final_sigmas_type="sigma_min", lower_order_final=False))
        case(U, 6, SD, V, dict(solver_order=order, solver_type=kind, final_sigmas_type="sigma_min", predict_x0=False))
case(U, 6, SD, dict(solver_order=3, disable_corrector=[0, 2]))
case(U, 6, FLOW)
case(U, 6, FLOW, dict(use_dynamic_shifting=True), mu=0.6)
case(N, 5, {}, TRAILING, dict(skip_prk_steps=True, set_alpha_to_one=True))
case(N, 7, SD, V, LEADING, dict(skip_prk_steps=True))
case(N, 5, SD, LEADING)
case(N, 8, SD, V, dict(timestep_spacing="linspace"))
case(F, 4, {})
case(F, 5, dict(shift=3.0))
case(F, 5, dict(shift=3.0, shift_terminal=0.1))
case(F, 5, dict(shift=3.0, stochastic_sampling=True, num_train_timesteps=500))
case(F, 5, dict(use_dynamic_shifting=True), mu=0.9)
case(F, 5, dict(use_dynamic_shifting=True, time_shift_type="linear"), mu=1.7)

torch.manual_seed(11)
tensors = {
    "in.sample": torch.randn(SHAPE),
    "in.model_outputs": torch.randn((CALLS,) + SHAPE),
    "in.noise": torch.randn((CALLS,) + SHAPE),
}
rows = [dict(name=name, dtype="float32", shape=list(t.shape), description="input") for name, t in tensors.items()]
settings = dict(family="schedulers", cases={}, tables=TABLES)


def put(name, tensor, rtol, description):
    tensors[name] = tensor
    row = dict(name=name, dtype="int64" if tensor.dtype == torch.int64 else "float32", shape=list(tensor.shape))
    row["description"] = description
    if row["dtype"] == "float32":
        row.update(rtol=rtol, atol=float(f"{max(rtol, 5e-7) * float(tensor.abs().max()):.3g}"))
    rows.append(row)


for number, (cls, steps, config, eta, mu) in enumerate(CASES):
    name = f"{number:03d}_{MODULES[cls]}"
    module = importlib.import_module(f"diffusers.schedulers.scheduling_{MODULES[cls]}")
    draws = list(tensors["in.noise"])
    module.randn_tensor = lambda *args, **kwargs: draws.pop(0)

    def planned(count):
        scheduler = getattr(module, cls)(**config)
        scheduler.set_timesteps(count, **({} if mu is None else dict(mu=mu)))
        return scheduler

    runs = [planned(count) for count in TABLES if cls != N or config.get("skip_prk_steps")]
    if runs:
        sigmas = [getattr(run, "sigmas", torch.zeros(0)) for run in runs]
        lengths = [[len(run.timesteps) for run in runs], [len(each) for each in sigmas]]
        put(f"out.{name}.table_lengths", torch.tensor(lengths), 0, "numbers of timesteps and of sigmas")
        put(f"out.{name}.timesteps_by_steps", torch.cat([run.timesteps.float() for run in runs]), 5e-6, "timesteps")
        if lengths[1][0]:
            put(f"out.{name}.sigmas_by_steps", torch.cat(sigmas).float(), 5e-6, "sigmas")
    run = planned(steps)
    first = float(getattr(run, "init_noise_sigma", 1.0))
    x, scaled, samples = tensors["in.sample"] * first, [], []
    for i, t in enumerate(run.timesteps):
        scaled.append(run.scale_model_input(x, t) if hasattr(run, "scale_model_input") else x)
        options = dict(eta=eta) if cls == I else {}
        x = run.step(tensors["in.model_outputs"][i], t, x, **options).prev_sample
        samples.append(x)
    assert torch.isfinite(x).all(), name
    put(f"out.{name}.init_noise_sigma", torch.tensor(first), 5e-6, "init_noise_sigma")
    put(f"out.{name}.scaled", torch.stack(scaled), 2e-5, "scale_model_input before each step")
    put(f"out.{name}.prev_sample", torch.stack(samples), 2e-5, "sample after each step")
    settings["cases"][name] = {"class": cls, "chain_steps": steps, "eta": eta, **({} if mu is None else {"mu": mu})}
    os.makedirs(f"{FOLDER}/{name}", exist_ok=True)
    with open(f"{FOLDER}/{name}/scheduler_config.json", "w") as file:
        json.dump({"_class_name": cls, **config}, file, indent=2)

with open(f"{FOLDER}/case.json", "w") as file:
    json.dump(settings, file, indent=1)
with open(f"{FOLDER}/tensors.json", "w") as file:
    json.dump(rows, file, indent=0)
header, blobs, offset = {}, [], 0
for name, tensor in tensors.items():
    blob = tensor.contiguous().numpy().tobytes()
    dtype = "I64" if tensor.dtype == torch.int64 else "F32"
    header[name] = dict(dtype=dtype, shape=list(tensor.shape), data_offsets=[offset, offset + len(blob)])
    offset += len(blob)
    blobs.append(blob)
text = json.dumps(header).encode()
with open(f"{FOLDER}/expected.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
