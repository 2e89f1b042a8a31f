from setuptools import Extension, find_packages, setup

CORE = "src/meter_model/core/csrc"
setup(
    package_dir={"meterwire": "src"},
    packages=["meterwire", *(f"meterwire.{name}" for name in find_packages("src"))],
    ext_modules=[
        Extension(
            "meterwire.meter_model.core._core",
            [f"{CORE}/_coremodule.c"],
            include_dirs=[CORE],
            depends=[f"{CORE}/{name}.h" for name in ("buffers", "dispatch", "drain", "fleet", "fleet.inc")],
            # contraction off: with it the instruction-set paths differ in the last bit
            extra_compile_args=["-O3", "-ffp-contract=off"],
        )
    ],
)
